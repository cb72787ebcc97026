import { describe, expect, test } from "vitest";
import { type Clock, cancelScope, checkpoint, isCancelled, run } from "../../core/index.ts";
import { type DiskCall, DiskLine } from "./disk-line.ts";

/** A line for four threads, and calls that never wait for more than the test. */
class Trial {
  ms = 0;
  readonly #clock: Clock = { now: () => this.ms, schedule: () => {} };
  readonly line: DiskLine = new DiskLine(4, this.#clock);
  /** Those that are with the system. */
  readonly calls: DiskCall[] = [];

  /** So many more want to be. */
  async arrive(count: number): Promise<void> {
    for (let n = 0; n < count; n++) void this.line.enter("read a file").then((call) => this.calls.push(call));
    await settle();
  }

  /** The one that has been there longest comes back, after `ms` milliseconds. */
  async comesBack(ms: number): Promise<void> {
    this.ms += ms;
    this.line.leave(this.calls.shift()!);
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await checkpoint();
}

describe("the line for the disk", () => {
  test("leaves a thread to others, until calls come back at once", () =>
    run(async () => {
      const trial = new Trial();
      await trial.arrive(100);
      const sizes = [trial.calls.length];
      for (let n = 0; n < 20; n++) {
        await trial.comesBack(0.1);
        sizes.push(trial.calls.length);
      }
      expect(sizes).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16]);
    }));

  test("leaves a thread again as soon as a call is slow, and as long as it is", () =>
    run(async () => {
      const trial = new Trial();
      await trial.arrive(100);
      for (let n = 0; n < 13; n++) await trial.comesBack(0.1);
      expect(trial.calls).toHaveLength(16);
      const [slow] = trial.calls.splice(0, 1);
      trial.ms += 100;
      // Those that come back have waited as long, and so have those behind them.
      while (trial.calls.length > 2) await trial.comesBack(0);
      for (let n = 0; n < 30; n++) await trial.comesBack(0.1);
      expect(trial.calls).toHaveLength(2);
      trial.line.leave(slow!);
      await settle();
      expect(trial.calls).toHaveLength(3);
      await trial.comesBack(0.1);
      expect(trial.calls).toHaveLength(4);
    }));

  test("begins anew when all have come back, for the next may come to another file system", () =>
    run(async () => {
      const trial = new Trial();
      await trial.arrive(20);
      while (trial.calls.length > 0) await trial.comesBack(0.1);
      await trial.arrive(20);
      expect(trial.calls).toHaveLength(3);
    }));

  test("passes over who was cancelled", () =>
    run(async () => {
      const trial = new Trial();
      await trial.arrive(3);
      const errors: unknown[] = [];
      await cancelScope(async (scope) => {
        const waits = [1, 2, 3].map(() =>
          trial.line.enter("read a file").catch((error: unknown) => errors.push(error)),
        );
        scope.cancel();
        await Promise.all(waits);
        await trial.line.enter("read a file").catch((error: unknown) => errors.push(error));
      });
      expect(errors.map((error) => isCancelled(error))).toEqual([true, true, true, true]);
      await trial.arrive(1);
      expect(trial.calls).toHaveLength(3);
      await trial.comesBack(0.1);
      expect(trial.calls).toHaveLength(3);
    }));
});
