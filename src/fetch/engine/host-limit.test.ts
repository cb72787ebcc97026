import { describe, expect, test } from "vitest";
import { HostLimit } from "./host-limit.ts";

/** A server: how long one attempt takes, in milliseconds, when so many are under way. */
type Server = (inFlight: number, nowMs: number) => number;

interface Played {
  readonly perSecond: number;
  readonly meanMs: number;
  /** At the end. */
  readonly limit: number;
}

/** Durations differ: by up to a third either way, always in the same order. */
function jitterFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return 0.7 + (0.6 * state) / 2_147_483_647;
  };
}

/** Sends `count` attempts one after the other, as many at once as `limit` says. */
function playOn(limit: { readonly limit: number } & Partial<HostLimit>, count: number, server: Server): Played {
  const jitter = jitterFrom(count);
  const underWay: { endMs: number; ms: number; learn: ReturnType<HostLimit["began"]> | undefined }[] = [];
  let nowMs = 0;
  let sum = 0;
  for (let sent = 0; sent < count || underWay.length > 0;) {
    while (sent < count && underWay.length < limit.limit) {
      const inFlight = underWay.length + 1;
      const ms = server(inFlight, nowMs) * jitter();
      sum += ms;
      underWay.push({ endMs: nowMs + ms, ms, learn: limit.began?.(inFlight) });
      sent++;
    }
    const next = underWay.reduce((first, each) => (each.endMs < first.endMs ? each : first));
    underWay.splice(underWay.indexOf(next), 1);
    nowMs = next.endMs;
    next.learn?.({ ok: true, ms: next.ms });
  }
  return { perSecond: (count / nowMs) * 1_000, meanMs: sum / count, limit: limit.limit };
}

const steady: Server = () => 50;
const collapsing: Server = (inFlight) => 20 * Math.max(1, (inFlight / 20) ** 2);
const twentyWorkers: Server = (inFlight) => 20 * Math.max(1, inFlight / 20);
const slowerLater: Server = (_, nowMs) => (nowMs < 5_000 ? 20 : 90);
const changing: Server = (inFlight, nowMs) => {
  const workers = nowMs < 5_000 ? 40 : nowMs < 20_000 ? 10 : 60;
  return 20 * Math.max(1, inFlight / workers);
};

const play = (most: number, count: number, server: Server): Played => playOn(new HostLimit(most), count, server);
const playFixed = (limit: number, count: number, server: Server): Played => playOn({ limit }, count, server);

describe("the limit of a host", () => {
  test.each([10, 30, 100])("soon is all of %i where that makes nothing slower", (most) => {
    const { perSecond, limit } = play(most, most * 200, steady);
    // Durations that differ look like a queue, now and then.
    expect(limit).toBeGreaterThanOrEqual(0.75 * most);
    expect(perSecond).toBeGreaterThan(0.93 * playFixed(most, most * 200, steady).perSecond);
  });

  test("is not more than a host can take that gets slower with more", () => {
    const { perSecond, limit } = play(100, 10_000, collapsing);
    expect(limit).toBeGreaterThanOrEqual(17);
    expect(limit).toBeLessThanOrEqual(28);
    expect(perSecond).toBeGreaterThan(4 * playFixed(100, 10_000, collapsing).perSecond);
  });

  test("keeps a short queue, and no more, at a host with so many workers", () => {
    const { perSecond, meanMs } = play(100, 10_000, twentyWorkers);
    expect(perSecond).toBeGreaterThan(0.95 * playFixed(100, 10_000, twentyWorkers).perSecond);
    expect(meanMs).toBeLessThan(30);
    expect(playFixed(100, 10_000, twentyWorkers).meanMs).toBeGreaterThan(95);
  });

  test("comes back after the host has become slower for good", () => {
    expect(play(100, 40_000, slowerLater).limit).toBeGreaterThan(85);
  });

  test("follows a host that can take less, and then more", () => {
    expect(play(100, 15_000, changing).limit).toBeLessThan(18);
    const { limit } = play(100, 60_000, changing);
    expect(limit).toBeGreaterThan(50);
    expect(limit).toBeLessThan(80);
  });

  test("goes down while much fails, and is never less than one", () => {
    const limit = new HostLimit(10);
    for (let attempt = 0; attempt < 100; attempt++) limit.began(limit.limit)({ ok: false, ms: 1 });
    expect(limit.limit).toBeGreaterThanOrEqual(1);
    expect(limit.limit).toBeLessThanOrEqual(5);
  });

  test("learns nothing from what says nothing of the host, nor from a limit that is not in use", () => {
    const limit = new HostLimit(10);
    for (let attempt = 0; attempt < 100; attempt++) limit.began(4)(undefined);
    for (let attempt = 0; attempt < 100; attempt++) limit.began(1)({ ok: true, ms: 1 });
    expect(limit.limit).toBe(4);
  });
});
