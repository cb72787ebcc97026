import fc from "fast-check";
import { expect, test } from "vitest";
import { LatencyHistogram } from "./latency-histogram.ts";

test("percentiles are within 3% of those of the sorted list", () => {
  const time = fc.double({ min: 0.2, max: 3_600_000, noNaN: true });
  const quantile = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(time, { minLength: 1 }), quantile, (times, share) => {
      const histogram = new LatencyHistogram();
      for (const ms of times) histogram.add(ms);
      const exact = times.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(times.length * share)) - 1]!;
      expect(histogram.quantileMs(share)! / exact).toBeGreaterThan(0.97);
      expect(histogram.quantileMs(share)! / exact).toBeLessThan(1.03);
      expect(histogram.maxMs).toBe(Math.max(...times));
    }),
  );
});

test("an empty histogram has no percentiles", () => {
  expect(new LatencyHistogram().quantileMs(0.5)).toBeUndefined();
});
