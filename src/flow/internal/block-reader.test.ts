import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cancelScope, checkpoint, isCancelled, run } from "../../core/index.ts";
import { BlockReader } from "./block-reader.ts";

/** Blocks that are there after a turn. */
class Blocks extends BlockReader<number> {
  readonly #blocks: (readonly number[] | Error)[];
  stops = 0;

  constructor(blocks: readonly (readonly number[] | Error)[]) {
    super();
    this.#blocks = [...blocks];
  }

  protected override async nextBlock(): Promise<readonly number[] | undefined> {
    await checkpoint();
    const block = this.#blocks.shift();
    if (block instanceof Error) throw block;
    return block;
  }

  protected override stop(): void {
    this.stops++;
  }
}

describe("the items of blocks", () => {
  test("come one after another, also to calls that overlap", () =>
    run(async () => {
      const blocks = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(blocks, fc.integer({ min: 1, max: 5 }), async (given, atOnce) => {
          const reader = new Blocks(given);
          const items: number[] = [];
          for (let isOver = false; !isOver;) {
            const steps = await Promise.all(Array.from({ length: atOnce }, () => reader.next()));
            for (const { done, value } of steps) if (done !== true) items.push(value);
            isOver = steps.at(-1)!.done === true;
          }
          expect(items).toEqual(given.flat());
          expect([reader.stops, await reader.next()]).toEqual([0, { done: true, value: undefined }]);
        }),
        { numRuns: 100 },
      );
    }));

  test("end with the error of a block, behind what came before it", () =>
    run(async () => {
      const reader = new Blocks([[1, 2], new Error("broken")]);
      const items: number[] = [];
      const read = async (): Promise<void> => {
        for await (const item of reader) items.push(item);
      };
      await expect(read()).rejects.toThrow("broken");
      expect([items, reader.stops]).toEqual([[1, 2], 1]);
      expect(await reader.next()).toEqual({ done: true, value: undefined });
    }));

  test("are stopped when the loop is left, and when its reader is cancelled, also over items that are there", () =>
    run(async () => {
      const left = new Blocks([[1, 2, 3]]);
      for await (const item of left) if (item === 2) break;
      expect([left.stops, left.hasReady]).toEqual([1, false]);
      const cancelled = new Blocks([[1, 2, 3]]);
      let error: unknown;
      await cancelScope(async (scope) => {
        await cancelled.next();
        scope.cancel();
        error = await cancelled.next().catch((thrown: unknown) => thrown);
      });
      expect([isCancelled(error), cancelled.stops]).toEqual([true, 1]);
      await using disposed = new Blocks([]);
      expect(disposed.hasReady).toBe(false);
    }));
});
