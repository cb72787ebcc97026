import { expect, test } from "vitest";
import { type ScopeNode, cancelScope, checkpoint, drawTree, now, taskGroup } from "../core/index.ts";
import { CircuitBreaker, Semaphore } from "../sync/index.ts";
import { faults, openFaultServer } from "../testing/index.ts";
import { type SessionOptions, openSession } from "./index.ts";

/** Asks each of `urls`, and reads what comes. */
async function askAll(options: SessionOptions, urls: readonly string[]): Promise<void> {
  await using session = openSession(options);
  await Promise.all(urls.map(async (url) => (await session.get(url)).text()));
}

test("rate: so many requests in a time, of all hosts together", async () => {
  await using one = await openFaultServer();
  await using two = await openFaultServer();
  const startMs = now();
  const urls = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? one : two).url);
  await askAll({ rate: { limit: 4, perMs: 40 } }, urls);
  // Four at once, and the others one each 10 ms.
  expect(now() - startMs).toBeGreaterThanOrEqual(60);
  expect(one.requests.length + two.requests.length).toBe(10);
});

test("ratePerHost: each host has its own, and a slow one holds up no other", async () => {
  await using one = await openFaultServer();
  await using two = await openFaultServer();
  const order: string[] = [];
  await using session = openSession({ ratePerHost: { limit: 1, perMs: 100 }, limit: 2 });
  const ask = async (url: string): Promise<void> => {
    await (await session.get(url)).text();
    order.push(url === one.url ? "one" : "two");
  };
  await Promise.all([ask(one.url), ask(one.url), ask(one.url), ask(two.url)]);
  expect(order.slice(0, 2).toSorted()).toEqual(["one", "two"]);
  const [first, second, third] = one.requests.map(({ atMs }) => atMs) as [number, number, number];
  expect(third - first).toBeGreaterThan(120);
  expect(second - first).toBeGreaterThan(40);
});

test("attempts count for the rate", async () => {
  await using server = await openFaultServer([faults.status(500), faults.status(500), faults.ok()]);
  const startMs = now();
  await askAll({ ratePerHost: { limit: 1, perMs: 20 }, retry: { backoff: () => 0 } }, [server.url]);
  expect(now() - startMs).toBeGreaterThanOrEqual(39);
});

test("a server that was slow is not met by all at once that had gathered meanwhile", async () => {
  await using server = await openFaultServer(({ number }) =>
    number <= 2 ? faults.delayed(250, faults.ok()) : faults.ok(),
  );
  const urls = Array.from({ length: 6 }, () => server.url);
  await askAll({ ratePerHost: { limit: 1, perMs: 50 }, limit: 2 }, urls);
  const [, second, third, fourth, fifth, sixth] = server.requests.map(({ atMs }) => atMs);
  expect(third! - second!).toBeGreaterThan(50);
  expect(sixth! - fourth!).toBeGreaterThan(20);
  expect(fifth! - third!).toBeGreaterThan(10);
});

test("adaptive: each host finds its own limit, and refusals lower it", async () => {
  await using server = await openFaultServer(({ number }) => (number % 2 === 0 ? faults.status(429) : faults.ok()));
  await askAll(
    { adaptive: { initial: 8, algorithm: "aimd" }, retry: false },
    Array.from({ length: 40 }, () => server.url),
  );
  expect(server.statistics().mostInFlight).toBeLessThanOrEqual(8);
  expect(server.requests.slice(30).length).toBe(10);
});

test("429 is reported as failed to the limiter", async () => {
  await using server = await openFaultServer(faults.status(429));
  const limiter = new CircuitBreaker({ failureThreshold: 1, resetMs: 60_000 });
  await askAll({ limiter, retry: false }, [server.url]);
  expect(limiter.statistics().state).toBe("open");
});

test("where a request waits is shown, and a cancelled one leaves", async () => {
  await using server = await openFaultServer();
  await using session = openSession({ ratePerHost: { limit: 1, perMs: 60_000 } });
  await (await session.get(server.url)).text();
  await cancelScope(async (scope) => {
    await taskGroup(async (group) => {
      group.spawn(() => session.get(server.url));
      await checkpoint();
      expect(drawTree(scope as ScopeNode)).toContain(`RateLimiter "${server.url.slice(7)}", place 1 of 1`);
      scope.cancel();
    });
  });
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
  expect(server.requests.length).toBe(1);
});

test("a pause holds nothing that other hosts could use", async () => {
  await using paused = await openFaultServer([...faults.times(3, faults.busy({ retryAfter: 60 }))]);
  await using other = await openFaultServer();
  await using session = openSession({ rate: { limit: 100, perMs: 1_000 }, limit: 3, retry: { backoff: () => 0 } });
  await cancelScope(async (scope) => {
    await taskGroup(async (group) => {
      for (let i = 0; i < 10; i++) group.spawn(() => session.get(paused.url));
      await paused.until(({ requests, inFlight }) => requests === 3 && inFlight === 0);
      expect((await session.get(other.url)).status).toBe(200);
      scope.cancel();
    });
  });
  expect(paused.requests.length).toBe(3);
});

const forAll = [
  ["a rate", () => ({ rate: { limit: 100, perMs: 1_000 } })],
  ["a limiter", () => ({ limiter: new Semaphore(2) })],
  ["a rate of hosts and one", () => ({ ratePerHost: plenty, rate: plenty })],
] as const;
const plenty = { limit: 100, perMs: 1_000 };

test.each(forAll)("with %s for all, hosts take turns", async (_, limits) => {
  await using one = await openFaultServer([faults.ok(), faults.ok(), faults.hang()]);
  await using two = await openFaultServer();
  await using session = openSession({ limit: 2, ...limits() });
  await cancelScope(async (scope) => {
    await taskGroup(async (group) => {
      for (let i = 0; i < 6; i++) group.spawn(async () => (await session.get(one.url)).text());
      await checkpoint();
      expect((await session.get(two.url)).status).toBe(200);
      scope.cancel();
    });
  });
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
});

test.each(forAll)("with %s for all, a host at its limit holds up no other", async (_, limits) => {
  await using one = await openFaultServer(faults.hang());
  await using two = await openFaultServer();
  await using session = openSession({ limit: 2, limitPerHost: 1, ...limits() });
  await cancelScope(async (scope) => {
    await taskGroup(async (group) => {
      for (let i = 0; i < 6; i++) group.spawn(() => session.get(one.url));
      await one.until(({ inFlight }) => inFlight === 1);
      for (let i = 0; i < 3; i++) expect((await session.get(two.url)).status).toBe(200);
      scope.cancel();
    });
  });
  expect(one.requests.length).toBe(1);
});

test.each<[object, string]>([
  [{ rate: 3 }, "Expected `rate` to be { limit, perMs }, got `3` (number)"],
  [{ rate: { limit: 0, perMs: 1 } }, "Expected `rate.limit` to be an integer of 1 or more, got `0` (number)"],
  [{ ratePerHost: { limit: 1, perMs: 0 } }, "Expected `ratePerHost.perMs` to be a number of milliseconds, 1 or more"],
  [{ adaptive: 1 }, "Expected `adaptive` to be an object or a boolean, got `1` (number)"],
  [{ adaptive: { min: 0 } }, "Expected `min` to be an integer of 1 or more, got `0` (number)"],
])("refuses %o", (options, message) => {
  expect(() => openSession(options)).toThrow(message);
});
