import { expect, test } from "vitest";
import { ReadWriteLock, moveOnAfter, now, sleep, taskGroup } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

test("readers share, a writer is alone, and nobody overtakes", () =>
  withVirtualTime(async () => {
    const lock = new ReadWriteLock();
    const log: string[] = [];
    const hold = (name: string) => async () => {
      log.push(`${name} at ${now()}`);
      await sleep(10);
    };
    await taskGroup((group) => {
      group.spawn(() => lock.runRead(hold("r1")));
      group.spawn(() => lock.runRead(hold("r2")));
      group.spawn(() => lock.runWrite(hold("w1")));
      group.spawn(() => lock.runRead(hold("r3")));
      group.spawn(() => lock.runWrite(hold("w2")));
    });

    expect(log).toEqual(["r1 at 0", "r2 at 0", "w1 at 10", "r3 at 20", "w2 at 30"]);
  }));

test("a writer that is cancelled while it waits lets the readers behind it in", () =>
  withVirtualTime(async () => {
    const lock = new ReadWriteLock();
    const times: number[] = [];
    await taskGroup((group) => {
      group.spawn(() => lock.runRead(() => sleep(100)));
      group.spawn(() => moveOnAfter(10, () => lock.runWrite(() => sleep(1))));
      group.spawn(() => lock.runRead(() => times.push(now())));
    });

    expect(times).toEqual([10]);
    expect(lock.statistics()).toEqual({ readers: 0, isWriting: false, waiting: 0 });
  }));

test("statistics tell readers, the writer and those who wait", async () => {
  const lock = new ReadWriteLock();
  const readers = [await lock.acquireRead(), await lock.acquireRead()];
  expect(lock.statistics()).toEqual({ readers: 2, isWriting: false, waiting: 0 });

  const writing = lock.acquireWrite();
  expect(lock.statistics().waiting).toBe(1);
  for (const reader of readers) reader.release();
  (await writing).release();

  expect(lock.statistics()).toEqual({ readers: 0, isWriting: false, waiting: 0 });
});

test("the lock is released when the function throws", async () => {
  const lock = new ReadWriteLock();

  await expect(lock.runWrite(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(lock.statistics().isWriting).toBe(false);
});
