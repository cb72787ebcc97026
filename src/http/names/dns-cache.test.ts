import { expect, test } from "vitest";
import { DnsCache } from "./dns-cache.ts";
import type { DnsAnswer } from "./dns-servers.ts";

/** A cache whose time the test sets, and whose answers it gives. */
function cacheOf(answer: (hostname: string) => DnsAnswer, maxMs = Infinity) {
  const clock = { ms: 0, now: () => clock.ms };
  const asked: string[] = [];
  const resolve = async (hostname: string): Promise<DnsAnswer> => {
    asked.push(hostname);
    return answer(hostname);
  };
  return { cache: new DnsCache(resolve, maxMs, clock), clock, asked };
}

test("a name is asked for again when its answer is out of date, not before", async () => {
  const { cache, clock, asked } = cacheOf(() => ({ addresses: ["192.0.2.1"], ttlMs: 2_000 }));
  await cache.lookup("a.test");
  clock.ms = 1_999;
  await cache.lookup("a.test");
  expect(asked).toHaveLength(1);
  clock.ms = 2_000;
  await cache.lookup("a.test");
  expect(asked).toHaveLength(2);
});

test("an answer is kept no longer than the cache may", async () => {
  const { cache, clock, asked } = cacheOf(() => ({ addresses: ["192.0.2.1"], ttlMs: 2_000 }), 500);
  await cache.lookup("a.test");
  clock.ms = 500;
  await cache.lookup("a.test");
  expect(asked).toHaveLength(2);
});

test("those who ask at once share one lookup, also where nothing is kept, and however the name is written", async () => {
  const { cache, asked } = cacheOf(() => ({ addresses: ["192.0.2.1"], ttlMs: 2_000 }), 0);
  const all = await Promise.all([cache.lookup("a.test"), cache.lookup("A.test"), cache.lookup("a.TEST")]);
  expect(all).toEqual([["192.0.2.1"], ["192.0.2.1"], ["192.0.2.1"]]);
  expect(asked).toEqual(["a.test"]);
  await cache.lookup("a.test");
  expect(asked).toHaveLength(2);
});

test("a failure is shared for a moment, and not by those who try again", async () => {
  const { cache, clock, asked } = cacheOf(() => {
    throw new Error("nobody knows");
  });
  await expect(cache.lookup("a.test")).rejects.toThrow("nobody knows");
  await expect(cache.lookup("a.test")).rejects.toThrow("nobody knows");
  expect(asked).toHaveLength(1);
  clock.ms = 100;
  await expect(cache.lookup("a.test")).rejects.toThrow("nobody knows");
  expect(asked).toHaveLength(2);
});

test("an answer without an address is a failure", async () => {
  const { cache } = cacheOf(() => ({ addresses: [], ttlMs: 2_000 }));
  await expect(cache.lookup("a.test")).rejects.toMatchObject({ code: "ENOTFOUND", message: "lookup ENOTFOUND a.test" });
});

test("an answer that is doubted is asked for again after a second, not for each who doubts it", async () => {
  const { cache, clock, asked } = cacheOf(() => ({ addresses: ["192.0.2.1"], ttlMs: 60_000 }));
  await cache.lookup("a.test");
  cache.doubt("A.test");
  clock.ms = 999;
  await cache.lookup("a.test");
  expect(asked).toHaveLength(1);
  clock.ms = 1_000;
  await cache.lookup("a.test");
  expect(asked).toHaveLength(2);
  cache.doubt("never-asked.test");
});

test("connections take turns among the addresses", async () => {
  const { cache } = cacheOf(() => ({ addresses: ["192.0.2.1", "192.0.2.2", "192.0.2.3"], ttlMs: 60_000 }));
  const firsts: string[] = [];
  for (let i = 0; i < 4; i++) firsts.push((await cache.lookup("a.test"))[0]!);
  expect(firsts).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1"]);
  expect(await cache.lookup("a.test")).toEqual(["192.0.2.2", "192.0.2.3", "192.0.2.1"]);
});

test("both kinds of address are given out, and each keeps together", async () => {
  const { cache } = cacheOf(() => ({ addresses: ["192.0.2.1", "2001:db8::1", "192.0.2.2"], ttlMs: 60_000 }));
  const families = (await cache.lookup("a.test")).map((address) => (address.includes(":") ? 6 : 4));
  expect(["4,4,6", "6,4,4"]).toContain(families.join(","));
});

test("of more names than it keeps, the oldest is forgotten", async () => {
  const { cache, asked } = cacheOf(() => ({ addresses: ["192.0.2.1"], ttlMs: 60_000 }));
  for (let i = 0; i <= 10_000; i++) await cache.lookup(`${i}.test`);
  await cache.lookup("1.test");
  expect(asked).toHaveLength(10_001);
  await cache.lookup("0.test");
  expect(asked).toHaveLength(10_002);
});
