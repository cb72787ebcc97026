import { expect, test } from "vitest";
import { lookOut } from "./look-out.ts";

/** A clock that goes on by a hundredth of a millisecond whenever it is looked at. */
function stepping(): { now(): number; ms: number } {
  return {
    ms: 0,
    now() {
      return (this.ms += 0.01);
    },
  };
}

const always = (): boolean => true;

test("ends soon when nothing comes", () => {
  const clock = stepping();
  lookOut(clock, () => false, always);
  expect(clock.ms).toBeLessThan(0.1);
});

test("goes on as long as something comes, until it is the turn of others", () => {
  const clock = stepping();
  let came = 0;
  lookOut(clock, () => came++ < 50, always);
  expect(came).toBeGreaterThan(50);
  expect(clock.ms).toBeLessThan(2);

  const another = stepping();
  lookOut(another, always, always);
  expect(another.ms).toBeGreaterThan(1.9);
  expect(another.ms).toBeLessThan(2.1);
});

test("ends at once when what has come takes longer than its turn", () => {
  const clock = stepping();
  let came = 0;
  const isIdle = (): boolean => came < 3;
  lookOut(clock, () => came++ >= 0, isIdle);
  expect(came).toBe(3);
});
