import { throwIfCancelled } from "../throw-if-cancelled.ts";
import { transfer, transfersOfAll } from "../transfer.ts";
import { packed } from "./packed.ts";
import { workerState } from "./worker-state.ts";

/** Calls `fn` with each of some items, one after the other: in this turn, as long as it returns at once. */
export function eachOf(fn: (item: unknown) => unknown, items: ArrayLike<unknown>): unknown {
  const { slots, call, scope } = workerState.running!;
  const results: unknown[] = [];
  for (let i = 0; i < items.length; i++) {
    // Asked here first: short functions take less than to find out the scope each time.
    if (slots.isCancelled(call) || scope.stop !== undefined) throwIfCancelled();
    const value = fn(items[i]);
    if (isThenable(value)) return restOf(fn, items, results, value);
    results.push(value);
  }
  return complete(results);
}

/** The same from an item on whose result comes later. */
async function restOf(
  fn: (item: unknown) => unknown,
  items: ArrayLike<unknown>,
  results: unknown[],
  value: unknown,
): Promise<unknown> {
  results.push(await value);
  while (results.length < items.length) {
    throwIfCancelled();
    results.push(await fn(items[results.length]));
  }
  return complete(results);
}

/** Results as they go over, and with them the memory that is marked in them. */
function complete(results: unknown[]): unknown {
  const list = transfersOfAll(results);
  return list === undefined ? packed(results) : transfer(results, list);
}

export function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
