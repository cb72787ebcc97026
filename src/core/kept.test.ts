import { expect, test } from "vitest";
import { cancelScope, checkpoint, run, taskGroup } from "../index.ts";
import { Kept, currentScope } from "./index.ts";

/** Something that is open, and notes when and how it is closed. */
function open(closings: string[], failure?: Error): Kept {
  return new Kept(currentScope(), "thing", async (isAsked) => {
    await new Promise((resolve) => setImmediate(resolve));
    closings.push(isAsked ? "asked" : "left");
    if (failure !== undefined) throw failure;
  });
}

test("what is closed is closed once, and whoever asks waits for it", async () => {
  const closings: string[] = [];

  await taskGroup(async () => {
    const kept = open(closings);
    await Promise.all([kept.close(), kept.close()]);
    expect(closings).toEqual(["asked"]);
    await kept.close();
  });

  expect(closings).toEqual(["asked"]);
});

test("what nobody closes is closed when its scope ends, however it ends", async () => {
  const closings: string[] = [];

  await taskGroup(() => void open(closings));
  expect(closings).toEqual(["left"]);
  await cancelScope(async (scope) => {
    open(closings);
    scope.cancel();
    await checkpoint();
  });
  expect(closings).toEqual(["left", "left"]);
  await expect(
    taskGroup(() => {
      open(closings);
      throw new RangeError("no");
    }),
  ).rejects.toThrow("no");
  expect(closings).toEqual(["left", "left", "left"]);
});

test("it is closed to the end although who asks is cancelled", async () => {
  const closings: string[] = [];

  await taskGroup(async () => {
    const kept = open(closings);
    await cancelScope(async (scope) => {
      scope.cancel();
      await kept.close();
      expect(closings).toEqual(["asked"]);
    });
  });
});

test("an error of closing goes to whoever asked for it, and else fails the scope", async () => {
  const failure = new RangeError("it cannot be closed");
  const closings: string[] = [];

  await taskGroup(async () => {
    const kept = open(closings, failure);
    await expect(kept.close()).rejects.toBe(failure);
  });
  await expect(taskGroup(() => void open(closings, failure))).rejects.toBe(failure);
  await expect(run(() => void open(closings, failure), { signals: false })).rejects.toBe(failure);
});
