import { describe, expect, test } from "vitest";
import { thrownBy, virtually } from "../../test/core/helpers.ts";
import {
  type Limiter,
  type Permit,
  type PermitReport,
  cancelScope,
  map,
  mapStream,
  moveOnAfter,
  shield,
  sleep,
  timeout,
} from "../index.ts";
import { runWithPermit } from "./run-with-permit.ts";

/** A limiter that writes down what it is told. */
class Told implements Limiter {
  readonly reports: PermitReport[] = [];
  inUse = 0;

  acquire(): Promise<Permit> {
    return Promise.resolve(this.tryAcquire());
  }

  tryAcquire(): Permit {
    this.inUse++;
    const release = (): void => void this.inUse--;
    return { release, report: (report) => this.reports.push(report), [Symbol.dispose]: release };
  }

  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return runWithPermit(this, fn);
  }
}

type Runner = (limiter: Limiter, fn: () => Promise<unknown>) => Promise<unknown>;

const runners: Record<string, Runner> = {
  run: (limiter, fn) => limiter.run(fn),
  map: (limiter, fn) => map([1], fn, { limiter }),
  mapStream: (limiter, fn) => Array.fromAsync(mapStream([1], fn, { concurrency: 1, limiter })),
};

describe.for(Object.entries(runners))("%s with a limiter", ([, run]) => {
  test(
    "reports what went well and what failed, and how long it took",
    virtually(async () => {
      const told = new Told();
      await run(told, () => sleep(5));
      expect(told.reports).toEqual([{ ok: true, ms: 5 }]);
      const error = new Error("no");
      const failing = new Told();
      expect(await thrownBy(run(failing, () => sleep(7).then(() => Promise.reject(error))))).toBe(error);

      expect(failing.reports).toEqual([{ ok: false, ms: 7 }]);
      expect([told.inUse, failing.inUse]).toEqual([0, 0]);
    }),
  );

  test(
    "reports nothing of work that was cancelled, by whichever scope and however it says so",
    virtually(async () => {
      const cancelled: (() => Promise<unknown>)[] = [
        () => sleep(10),
        () => sleep(10).catch((error: unknown) => Promise.reject(new Error("wrapped", { cause: error }))),
        () => cancelScope(() => sleep(10)),
      ];
      for (const work of cancelled) {
        const told = new Told();
        await moveOnAfter(5, () => run(told, work));
        expect(told).toMatchObject({ reports: [], inUse: 0 });
      }
    }),
  );

  test(
    "reports what failed for a reason of its own while it was cancelled, and what went well all the same",
    virtually(async () => {
      const error = new Error("no");
      const failing = new Told();
      const work = (): Promise<unknown> => sleep(10).catch(() => Promise.reject(error));
      expect(await thrownBy(moveOnAfter(5, () => run(failing, work)))).toBe(error);
      expect(failing.reports).toContainEqual({ ok: false, ms: 5 });
      const told = new Told();
      await moveOnAfter(5, () => run(told, () => shield(() => sleep(10))));

      expect(told.reports).toContainEqual({ ok: true, ms: 10 });
    }),
  );

  test(
    "reports a timeout inside as a failure",
    virtually(async () => {
      const told = new Told();
      expect(await thrownBy(run(told, () => timeout(5, () => sleep(10))))).toMatchObject({ code: "TIMEOUT" });

      expect(told.reports).toContainEqual({ ok: false, ms: 5 });
    }),
  );
});
