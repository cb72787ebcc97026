import { expect, test } from "vitest";
import { loopTurns, virtually } from "../../test/core/helpers.ts";
import { Event, Queue, Semaphore, cancelScope, interruptible, sleep, taskGroup, timeout } from "../index.ts";
import { type ScopeNode, Waiter, currentScope, drawTree } from "./index.ts";

test(
  "the tree shows scopes in the order in which they were opened, and what each waits for",
  virtually(() =>
    taskGroup(
      async (group, scope) => {
        const semaphore = new Semaphore(1, { name: "db" });
        const queue = new Queue<number>({ name: "jobs" });
        const holder = group.spawn(() => (semaphore.tryAcquire(), sleep(1_500)), { name: "holder" });
        for (const name of ["one", "two"]) group.spawn(() => semaphore.acquire(), { name });
        group.spawn(() => timeout(100, () => queue.get()), { name: "reader" });
        group.spawn(() => Promise.all([sleep(50), sleep(50), new Event().wait()]), { name: "several" });
        group.spawn(() => holder.join(), { name: "joiner" });
        group.spawn(() => interruptible(loopTurns()), { name: "foreign" });
        group.spawn(() => loopTurns(), { name: "busy" });

        expect(drawTree(scope as ScopeNode).split("\n")).toEqual([
          "workers",
          "├─ holder: waits for sleep, 1.5 s left",
          '├─ one: waits for Semaphore "db", place 1 of 2',
          '├─ two: waits for Semaphore "db", place 2 of 2',
          "├─ reader",
          '│  └─ timeout: waits for an item in Queue "jobs"',
          "├─ several: waits for Event to be set; 2 x sleep, 50 ms left",
          "├─ joiner: waits for task holder to end",
          "├─ foreign: waits for a foreign promise",
          "└─ busy: computes, or waits for a foreign promise",
        ]);
        group.cancel();
      },
      { name: "workers" },
    ),
  ),
);

class CountingWaiter extends Waiter<void> {
  static asked = 0;
  protected override leave(): void {}
  describe(): string {
    return `${++CountingWaiter.asked}`;
  }
}

test(
  "of a large tree 60 lines are drawn, and only what they show is asked what it waits for",
  virtually(() =>
    taskGroup(async (group, scope) => {
      for (let n = 0; n < 1_000; n++) group.spawn(() => new CountingWaiter(currentScope()).promise, { name: `${n}` });
      const lines = drawTree(scope as ScopeNode).split("\n");

      expect(lines.length).toBe(61);
      expect(lines[1]).toBe("├─ 0: waits for 1");
      expect(lines[60]).toBe("... and 941 more");
      expect(CountingWaiter.asked).toBe(59);
      group.cancel();
    }),
  ),
);

test(
  "of very many waits in one scope some are asked, and the rest is counted",
  virtually(() =>
    cancelScope(async (scope) => {
      const semaphore = new Semaphore(1);
      const permit = await semaphore.acquire();
      const waiting = Array.from({ length: 20_000 }, () => semaphore.acquire());
      const drawn = drawTree(scope as ScopeNode);

      expect(drawn).toMatch(/^cancelScope: waits for Semaphore, place 20000 of 20000; .*; 19900 more$/);
      expect(drawn.match(/Semaphore/g)).toHaveLength(100);
      permit.release();
      scope.cancel();
      await Promise.all(waiting);
    }),
  ),
);

class ShyWaiter extends Waiter<void> {
  protected override leave(): void {}
  describe(): string {
    throw new Error("no");
  }
}

test(
  "a wait that cannot say what it is for does not keep the tree from being drawn",
  virtually(() =>
    cancelScope(async (scope) => {
      const waiting = new ShyWaiter(currentScope()).promise;
      expect(drawTree(scope as ScopeNode)).toBe("cancelScope: waits for something that cannot be described");
      scope.cancel();
      await waiting;
    }),
  ),
);

const nest = async (depth: number, atTheBottom: () => unknown): Promise<void> => {
  // Without this the depth of the tree would be that of the stack.
  await Promise.resolve();
  await cancelScope(() => (depth === 0 ? atTheBottom() : nest(depth - 1, atTheBottom)));
};

test(
  "a tree that is deeper than the stack is drawn, cancelled and left",
  virtually((root) =>
    nest(9_000, async () => {
      const lines = drawTree(root as ScopeNode).split("\n");
      expect(lines.length).toBe(61);
      expect(lines[60]).toBe("... and 8942 more");
    }),
  ),
);
