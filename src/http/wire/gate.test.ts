import { expect, test } from "vitest";
import { cancelScope, checkpoint } from "../../core/index.ts";
import { Gate } from "./gate.ts";

test("hosts take turns, and one at its limit holds up no other", async () => {
  const gate = new Gate(2, 1);
  const order: string[] = [];
  const pass = (name: string): Promise<void> =>
    gate.for(name.slice(0, 1)).run(async () => {
      order.push(name);
      await checkpoint();
    });
  await Promise.all(["a1", "a2", "a3", "b1", "b2", "c1"].map(pass));
  expect(order.slice(0, 2)).toEqual(["a1", "b1"]);
  expect(order.indexOf("c1")).toBeLessThan(order.indexOf("a3"));
  expect(order.length).toBe(6);
});

test("a place is taken at once where there is one, and given back once", async () => {
  const gate = new Gate(2, 1);
  const [a, b] = [gate.for("a"), gate.for("b")];
  const place = a.tryAcquire()!;
  expect([a.tryAcquire(), typeof b.tryAcquire()]).toEqual([undefined, "object"]);
  place.release();
  expect(() => place.release()).toThrow("This permit was released before");
  place[Symbol.dispose]();
  using again = await a.acquire();
  again.report({ ok: true, ms: 1 });
  expect(gate.for("c").tryAcquire()).toBe(undefined);
});

test("who is cancelled leaves the line, and other limits hold at once", async () => {
  const gate = new Gate(1, 1);
  const first = await gate.for("a").acquire();
  await cancelScope(async (scope) => {
    const waiting = gate.for("a").acquire();
    await checkpoint();
    scope.cancel();
    await waiting;
  });
  const second = gate.for("a").acquire();
  const third = gate.for("b").acquire();
  gate.change(2, 1);
  (await third).release();
  gate.change(2, 2);
  (await second).release();
  first.release();
  gate.change(1, 1);
  expect(gate.for("a").tryAcquire()).toBeDefined();
  expect(gate.for("b").tryAcquire()).toBe(undefined);
});
