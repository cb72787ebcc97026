import { expect, test } from "vitest";
import { virtually } from "../../test/core/helpers.ts";
import { LifoQueue, Queue, sleep, taskGroup } from "../index.ts";

test(
  "the newest item is taken first",
  virtually(async () => {
    const queue = new LifoQueue<number>();
    for (const item of [1, 2, 3]) await queue.put(item);
    expect(queue).toBeInstanceOf(Queue);
    expect([await queue.get(), queue.tryGet()]).toEqual([3, 2]);
    await queue.put(4);

    expect([queue.tryGet(), queue.tryGet(), queue.tryGet()]).toEqual([4, 1, undefined]);
  }),
);

test(
  "callers that wait are served in the order of arrival, and an item that enters late is the newest",
  virtually(async () => {
    const queue = new LifoQueue<string>({ maxSize: 1 });
    const taken: string[] = [];
    await taskGroup(async (group) => {
      for (const name of ["first", "second"]) group.spawn(async () => taken.push(`${name}: ${await queue.get()}`));
      await sleep(1);
      for (const item of ["a", "b", "c"]) await queue.put(item);
      for (const item of ["d", "e"]) group.spawn(() => queue.put(item));
      expect([queue.tryGet(), queue.tryGet(), queue.tryGet()]).toEqual(["c", "d", "e"]);
    });

    expect(taken).toEqual(["first: a", "second: b"]);
  }),
);

test("shutdown({ immediate: true }) returns what was left as it would have been taken", () => {
  const queue = new LifoQueue<number>();
  for (const item of [1, 2, 3]) queue.tryPut(item);

  expect(queue.shutdown({ immediate: true })).toEqual([3, 2, 1]);
  expect(queue.statistics()).toMatchObject({ size: 0, unfinished: 0, isShutDown: true });
});
