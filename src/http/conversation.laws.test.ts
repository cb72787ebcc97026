import { expect, test } from "vitest";
import { sleep } from "../core/index.ts";
import {
  type Fault,
  type FaultRequest,
  cancelEverywhere,
  expectNoLeaks,
  faults,
  openFaultServer,
} from "../testing/index.ts";
import { type CacheUse, fetchWhole, openSession } from "./index.ts";

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
});

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

const file = "x".repeat(20_000);

/** Leads to a file, with a cookie; and serves the file, which breaks off when it is first asked for. */
function download({ path, times, headers }: FaultRequest): Fault {
  const [, from] = /^bytes=(\d+)-/.exec(String(headers["range"])) ?? [];
  const etag = { etag: '"1"', "accept-ranges": "bytes" };
  if (!path.endsWith("/file")) return leading(`${path}/file`);
  if (headers["if-none-match"] !== undefined) return faults.status(304, "", { headers: etag });
  if (from === undefined) {
    const whole = faults.ok(file, { headers: etag });
    return times === 1 ? faults.cutIn(10_000, whole) : whole;
  }
  const rest = file.slice(Number(from));
  const range = { "content-range": `bytes ${from}-${file.length - 1}/${file.length}` };
  return faults.status(206, rest, { headers: { ...etag, ...range } });
}

function leading(location: string): Fault {
  const headers = { location, "set-cookie": "a=1", "cache-control": "max-age=60", "content-length": 0 };
  return {
    name: "leading",
    async play(wire) {
      await wire.head({ status: 302, headers });
      await wire.finish();
    },
  };
}

test("cancelled at any checkpoint on the way to a file: redirected, broken off, cached, validated, nothing is left", async () => {
  await using server = await openFaultServer(download);
  const lengths: number[] = [];
  const uses = new Set<CacheUse | undefined>();
  let runs = 0;
  await cancelEverywhere(async () => {
    await using session = openSession({ retry: { backoff: () => 1 }, cookies: true, cache: true });
    const url = `${server.url}/${++runs}`;
    for (let i = 0; i < 3; i++) {
      const response = await session.get(url);
      lengths.push((await response.bytes()).length);
      uses.add(response.fromCache);
    }
    const whole = await fetchWhole(session, session.orders.make("GET", `${url}/whole`, undefined), false);
    lengths.push(whole.bodyBytes);
  });
  expect(runs).toBeGreaterThan(6);
  expect(new Set(lengths)).toEqual(new Set([file.length]));
  expect(uses).toEqual(new Set([undefined, "validated"]));
});
