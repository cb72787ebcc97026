import { expect, test } from "vitest";
import { RateMeter } from "./rate-meter.ts";

test("the rate is that of the last five seconds", () => {
  const meter = new RateMeter(0);
  expect(meter.perSecond(0, 0)).toBe(0);
  expect(meter.perSecond(1_000, 100)).toBe(100);
  for (let second = 2; second <= 20; second++) meter.perSecond(second * 1_000, 100);
  expect(meter.perSecond(21_000, 100)).toBe(0);
  expect(meter.perSecond(22_000, 160)).toBeCloseTo(10, 0);
});
