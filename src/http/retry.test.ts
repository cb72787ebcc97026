import { expect, test } from "vitest";
import { rawServer } from "../../test/http-server.ts";
import {
  type ScopeNode,
  cancelScope,
  checkpoint,
  currentScope,
  deadlineAt,
  drawTree,
  now,
  sleep,
  taskGroup,
} from "../core/index.ts";
import { RetryBudget, exponential } from "../flow/index.ts";
import { Semaphore } from "../sync/index.ts";
import { faults, openFaultServer } from "../testing/index.ts";
import { type HttpRetryOptions, type SessionOptions, fetchWhole, openSession } from "./index.ts";

const quick: HttpRetryOptions = { backoff: exponential({ baseMs: 1 }) };

test.each([408, 425, 429, 500, 502, 503, 504])("an answer %i is asked for again", async (status) => {
  await using server = await openFaultServer([faults.status(status), faults.ok("done")]);
  await using session = openSession({ retry: quick });
  expect(await (await session.get(server.url)).text()).toBe("done");
  expect(server.requests.length).toBe(2);
});

test.each([200, 304, 400, 401, 404, 409, 422])("an answer %i is final", async (status) => {
  await using server = await openFaultServer(faults.status(status));
  await using session = openSession({ retry: quick });
  expect((await session.get(server.url)).status).toBe(status);
  expect(server.requests.length).toBe(1);
});

test("the last answer is the caller's, with its body, when there are no more attempts", async () => {
  await using server = await openFaultServer([faults.status(502), faults.status(502), faults.status(500, "why")]);
  await using session = openSession({ retry: quick });
  const response = await session.get(server.url);
  expect([response.status, await response.text(), server.requests.length]).toEqual([500, "why", 3]);
  expect(session.statistics().active).toBe(0);
});

test("a status of 5xx that is not known to pass is sent again twice at most", async () => {
  await using server = await openFaultServer(faults.status(520));
  await using session = openSession({ retry: { ...quick, attempts: 10 } });
  expect((await session.get(server.url)).status).toBe(520);
  expect(server.requests.length).toBe(3);
});

test("a reset connection is tried again, and its error thrown when there are no more attempts", async () => {
  await using server = await openFaultServer({
    "/once": [faults.reset(), faults.ok("done")],
    "/always": faults.reset(),
  });
  await using session = openSession({ baseUrl: server.url, retry: quick });
  expect(await (await session.get("/once")).text()).toBe("done");
  await expect(session.get("/always")).rejects.toMatchObject({ code: "HTTP_CONNECTION", phase: "request" });
  // Two, and three; and one more, for which the connection kept from the first was lost.
  expect(server.requests.length).toBe(6);
});

test("a timeout of a phase is tried again", async () => {
  await using server = await openFaultServer([faults.hang(), faults.ok("done")]);
  await using session = openSession({ retry: quick, timeout: { headersMs: 150 } });
  expect(await (await session.get(server.url)).text()).toBe("done");
});

test("what is no HTTP is not tried again", async () => {
  await using server = await openFaultServer(faults.raw("220 smtp.test\r\n\r\n"));
  await using session = openSession({ retry: quick });
  await expect(session.get(server.url)).rejects.toMatchObject({ code: "HTTP_PROTOCOL" });
  expect(server.requests.length).toBe(1);
});

test("retry: false sends once, of a session and of a request", async () => {
  await using server = await openFaultServer(faults.status(503));
  await using never = openSession({ retry: false });
  expect((await never.get(server.url)).status).toBe(503);
  expect((await never.get(server.url, { retry: { ...quick, attempts: 2 } })).status).toBe(503);
  await using always = openSession({ retry: quick });
  expect((await always.get(server.url, { retry: false })).status).toBe(503);
  expect(server.requests.length).toBe(4);
});

test("methods that may not be repeated are sent again with an Idempotency-Key only", async () => {
  await using server = await openFaultServer([
    faults.status(503),
    faults.reset(),
    faults.status(503),
    faults.ok("done"),
  ]);
  await using session = openSession({ retry: quick });
  expect((await session.post(server.url, { json: 1 })).status).toBe(503);
  await expect(session.patch(server.url, { json: 1 })).rejects.toMatchObject({ code: "HTTP_CONNECTION" });
  const response = await session.post(server.url, { json: 1, headers: { "Idempotency-Key": "a" } });
  expect(await response.text()).toBe("done");
});

test("a request that found no connection reached nobody, and is sent again whatever its method", async () => {
  const connections = ["reset", "serve"] as const;
  await using server = await openFaultServer(faults.echo(), { tls: "valid", connections });
  await using session = openSession({ retry: quick, tls: { ca: server.authority } });
  const response = await session.post(server.url, { body: "once" });
  expect(await response.text()).toContain("once");
});

test("a body is sent again from its beginning, however long, unless it comes from an iterable", async () => {
  const long = "x".repeat(200_000);
  await using server = await openFaultServer({
    "/text": [faults.status(503), faults.ok()],
    "/bytes": [faults.status(503), faults.ok()],
    "/iterable": [faults.status(503), faults.ok()],
  });
  await using session = openSession({ baseUrl: server.url, retry: quick });
  expect((await session.put("/text", { body: long })).status).toBe(200);
  expect((await session.put("/bytes", { body: Buffer.from(long) })).status).toBe(200);
  expect((await session.put("/iterable", { body: [..."ab"].values() })).status).toBe(503);
  expect(server.requests.map(({ bodyBytes }) => bodyBytes)).toEqual([200_000, 200_000, 200_000, 200_000, 2]);
});

test("a kept connection that the server has closed is made up for at once, and not counted", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: { attempts: 2, backoff: () => 60_000 } });
  const first = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.respond("one");
  expect(await (await first).text()).toBe("one");
  const second = session.get(server.origin);
  await peer.head();
  peer.socket.destroy();
  const next = await server.accept();
  await next.head();
  next.respond("two");
  expect(await (await second).text()).toBe("two");
});

test("an answer that is not the caller's is read when it is short, and its connection closed otherwise", async () => {
  await using server = await openFaultServer({
    "/short": [faults.status(503, "a short story"), faults.ok()],
    "/long": [faults.status(503, "x".repeat(1_000_000)), faults.ok()],
  });
  await using session = openSession({ baseUrl: server.url, limit: 1, retry: quick });
  await (await session.get("/short")).discard();
  expect(server.statistics().connections).toBe(1);
  await (await session.get("/long")).discard();
  expect(server.statistics().connections).toBe(2);
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
});

test("retries of many keep within the budget", async () => {
  await using server = await openFaultServer(faults.status(500));
  const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 0 });
  await using session = openSession({ retry: { ...quick, attempts: 10, budget } });
  await Promise.all(Array.from({ length: 50 }, async () => (await session.get(server.url)).discard()));
  expect(server.requests.length).toBe(60);
});

test("no attempt is begun later than maxTimeMs after the first failure", async () => {
  await using server = await openFaultServer(faults.reset());
  await using session = openSession({ retry: { attempts: Infinity, maxTimeMs: 20, backoff: () => 6 } });
  await expect(session.get(server.url)).rejects.toMatchObject({ code: "HTTP_CONNECTION" });
  expect(server.requests.length).toBeGreaterThan(1);
  expect(server.requests.length).toBeLessThan(6);
});

test("a wait beyond the deadline is not begun: the answer is given, or the error thrown", async () => {
  await using server = await openFaultServer({
    "/error": faults.reset(),
    "/busy": faults.status(500),
    "/paused": faults.busy({ retryAfter: 3_600, status: 429 }),
  });
  await using session = openSession({ baseUrl: server.url, retry: { backoff: () => 3_600_000 } });
  await deadlineAt(now() + 60_000, async () => {
    await expect(session.get("/error")).rejects.toMatchObject({ code: "HTTP_CONNECTION" });
    expect((await session.get("/busy")).status).toBe(500);
    expect((await session.get("/paused")).status).toBe(429);
  });
});

test("cancelled while it waits to be sent again, a request says so, and is not sent", async () => {
  await using server = await openFaultServer(faults.status(500));
  await using session = openSession({ retry: { backoff: () => 60_000 } });
  await cancelScope(async (scope) => {
    await taskGroup(async (group) => {
      group.spawn(() => session.get(`${server.url}/users?secret=1`));
      await server.until(({ requests, inFlight }) => requests === 1 && inFlight === 0);
      const label = /GET 127\.0\.0\.1:\d+\/users: to be sent again in 60 s \(500\)/;
      while (!label.test(drawTree(scope as ScopeNode))) await checkpoint();
      scope.cancel();
    });
  });
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
  expect(server.requests.length).toBe(1);
});

test("works for whole responses too", async () => {
  await using server = await openFaultServer([faults.status(503), faults.reset(), faults.ok("done")]);
  await using session = openSession({ retry: quick });
  const { status, bodyBytes } = await fetchWhole(session, session.orders.make("GET", server.url, undefined), true);
  expect([status, bodyBytes]).toEqual([200, 4]);
});

test.each<[unknown, string]>([
  [3, "Expected `retry` to be an object or a boolean, got `3` (number)"],
  [{ attempts: 0 }, "Expected `retry.attempts` to be an integer of 1 or more, got `0` (number)"],
  [{ backoff: 1 }, "Expected `retry.backoff` to be a function, got `1` (number)"],
  [{ maxTimeMs: -1 }, "Expected `retry.maxTimeMs` to be a number of milliseconds, 0 or more, got `-1` (number)"],
  [{ budget: {} }, "Expected `retry.budget` to be a RetryBudget, got an object (Object)"],
])("refuses retry: %o", (retry, message) => {
  expect(() => openSession({ retry } as SessionOptions)).toThrow(message);
});

// Pauses of hosts.

test("Retry-After pauses the host for all, in full, and does not use up attempts", async () => {
  const busy = faults.busy({ retryAfter: 0.05 });
  await using server = await openFaultServer([busy, busy, busy, busy, faults.ok("done")]);
  await using session = openSession({ retry: { attempts: 1, backoff: () => 0 } });
  const startMs = now();
  expect(await (await session.get(server.url)).text()).toBe("done");
  expect(now() - startMs).toBeGreaterThanOrEqual(200);
  expect(server.requests.length).toBe(5);
});

test("others wait out the pause in line, and a request to another host does not", async () => {
  await using paused = await openFaultServer([faults.busy({ retryAfter: 0.7, status: 503 }), faults.ok("late")]);
  await using other = await openFaultServer(faults.ok("at once"));
  await using session = openSession({ retry: quick, limit: 3 });
  const order: string[] = [];
  await taskGroup(async (group, scope) => {
    const ask = async (url: string): Promise<void> => void order.push(await (await session.get(url)).text());
    group.spawn(() => ask(paused.url));
    await paused.until(({ requests, inFlight }) => requests === 1 && inFlight === 0);
    while (session.statistics().waiting === 0) await checkpoint();
    for (let i = 0; i < 5; i++) group.spawn(() => ask(paused.url));
    expect(drawTree(scope as ScopeNode)).toMatch(/GET 127\.0\.0\.1:\d+\/: host paused for [\d.]+ ms \(503\)/);
    await ask(other.url);
    expect(order).toEqual(["at once"]);
    expect(paused.requests.length).toBe(1);
  });
  expect(order.filter((text) => text === "late").length).toBe(6);
});

test("a host that asks to be left alone for more than a day is not waited for: its answer stands", async () => {
  await using server = await openFaultServer({
    "/503": faults.busy({ retryAfter: 86_401 }),
    "/429": faults.busy({ retryAfter: { dateInMs: 1e10 }, status: 429 }),
    "/500": faults.status(500, "", { headers: { "retry-after": 31_536_000 } }),
    "*": faults.ok("well"),
  });
  await using session = openSession({ baseUrl: server.url, retry: quick });
  for (const status of [503, 429, 500]) expect((await session.get(`/${status}`)).status).toBe(status);
  expect(await (await session.get("/")).text()).toBe("well");
  expect(server.requests).toHaveLength(4);
});

test("a request that may not be repeated pauses the host all the same", async () => {
  await using server = await openFaultServer([faults.busy({ retryAfter: 0.05, status: 503 }), faults.ok("done")]);
  await using session = openSession({ retry: quick });
  const startMs = now();
  const response = await session.post(server.url);
  expect(response.status).toBe(503);
  await response.discard();
  expect(await (await session.get(server.url)).text()).toBe("done");
  expect(now() - startMs).toBeGreaterThanOrEqual(50);
});

test("a request that was answered with 429 has done nothing, and is sent again whatever its method", async () => {
  await using server = await openFaultServer([
    faults.busy({ retryAfter: 0.01, status: 429 }),
    faults.status(429),
    faults.ok("done"),
  ]);
  await using session = openSession({ retry: quick });
  expect(await (await session.post(server.url, { body: "once" })).text()).toBe("done");
  expect(server.requests.map(({ bodyBytes }) => bodyBytes)).toEqual([4, 4, 4]);
});

test("a pause holds no permit of the session's limiter, and a cancelled wait leaves the line", async () => {
  await using paused = await openFaultServer(faults.busy({ retryAfter: 60 }));
  await using other = await openFaultServer(faults.ok("free"));
  const limiter = new Semaphore(1);
  await using session = openSession({ retry: quick, limiter });
  await cancelScope(async (scope) => {
    await taskGroup(async (group) => {
      group.spawn(() => session.get(paused.url));
      await paused.until(({ requests, inFlight }) => requests === 1 && inFlight === 0);
      while (!drawTree(scope as ScopeNode).includes("/: host paused for")) await checkpoint();
      expect(await (await session.get(other.url)).text()).toBe("free");
      scope.cancel();
    });
  });
  expect(limiter.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
});

test("disposing of a session ends what waits out a pause", async () => {
  await using server = await openFaultServer(faults.busy({ retryAfter: 60 }));
  const session = openSession({ retry: quick });
  const outcome = session.get(server.url).catch((error: unknown) => error);
  while (session.statistics().waiting === 0) await sleep(1);
  await session[Symbol.asyncDispose]();
  expect(await outcome).toMatchObject({ code: "HTTP_SESSION_CLOSED" });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a host that has been forgotten after a pause is not forgotten again while it is in use", async () => {
  const pause = faults.thenEnd(faults.busy({ status: 429, retryAfter: 0 }));
  await using one = await openFaultServer([pause, faults.thenEnd(faults.ok()), faults.hang()]);
  await using two = await openFaultServer([pause, faults.ok()]);
  await using session = openSession({ limitPerHost: 1, retry: { backoff: () => 0 } });
  await (await session.get(one.url)).text();
  await one.until(({ openConnections }) => openConnections === 0);
  while (session.statistics().connections > 0) await sleep(1);
  await cancelScope(async (scope) => {
    await taskGroup(async (group) => {
      group.spawn(() => session.get(one.url));
      await one.until(({ inFlight }) => inFlight === 1);
      await (await session.get(two.url)).text();
      group.spawn(() => session.get(one.url));
      await sleep(1);
      expect(session.statistics()).toMatchObject({ active: 1, waiting: 1 });
      scope.cancel();
    });
  });
});

test("a storm of 429 over several hosts: all is answered in the end, and no host is hammered", async () => {
  const servers = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      openFaultServer(({ number }) =>
        number % 10 < 4 ? faults.busy({ retryAfter: 0.02, status: i % 2 === 0 ? 429 : 503 }) : faults.ok("x"),
      ),
    ),
  );
  await using stack = new AsyncDisposableStack();
  for (const server of servers) stack.use(server);
  await using session = openSession({ limit: 30, limitPerHost: 5, retry: { attempts: 1, backoff: () => 1 } });
  const bodies = await Promise.all(
    Array.from({ length: 240 }, async (_, i) => (await session.get(servers[i % 6]!.url)).text()),
  );
  expect(bodies.every((text) => text === "x")).toBe(true);
  for (const server of servers) {
    expect(server.statistics().mostInFlight).toBeLessThanOrEqual(5);
    expect(server.requests.length).toBeLessThan(100);
  }
  expect(currentScope().firstWaiter).toBeNull();
});
