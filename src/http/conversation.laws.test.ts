import { expect, test } from "vitest";
import { sleep } from "../core/index.ts";
import { cancelEverywhere, expectNoLeaks, faults, openFaultServer } from "../testing/index.ts";
import { openSession } from "./index.ts";

test("cancelled at any checkpoint of a request with everything on, nothing is left", async () => {
  const course = [
    faults.busy({ status: 429, retryAfter: 0.01 }),
    faults.status(500, "x".repeat(100_000)),
    faults.status(401),
    faults.ok("done"),
  ];
  await using server = await openFaultServer(({ times }) => course[Math.min(times, course.length) - 1]!);
  const texts: string[] = [];
  let runs = 0;
  await cancelEverywhere(async () => {
    await using session = openSession({
      retry: { attempts: 5, backoff: () => 1 },
      rate: { limit: 1_000, perMs: 1_000 },
      ratePerHost: { limit: 1_000, perMs: 1_000 },
      adaptive: true,
      auth: () => sleep(1).then(() => "Bearer x"),
      hooks: { beforeRequest: () => sleep(1), afterResponse: () => sleep(1), beforeRetry: () => sleep(1) },
      propagateDeadline: true,
    });
    texts.push(await (await session.get(`${server.url}/${++runs}`)).text());
  });
  expect(runs).toBeGreaterThan(20);
  expect(texts).toContain("done");
}, 30_000);

test("a request with everything on leaves nothing", async () => {
  await using server = await openFaultServer([faults.busy({ retryAfter: 0.01 }), faults.reset(), faults.ok("done")]);
  const text = await expectNoLeaks(async () => {
    await using session = openSession({
      retry: { backoff: () => 1 },
      ratePerHost: { limit: 10, perMs: 10 },
      hooks: { beforeRequest: () => sleep(1) },
    });
    return (await session.get(server.url)).text();
  });
  expect(text).toBe("done");
});
