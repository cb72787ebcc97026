import type { Transferable } from "node:worker_threads";
import { isPooled } from "./internal/unpooled.ts";

const lists = new WeakMap<object, readonly Transferable[]>();

/**
 * Marks an argument or a result of a task: its memory goes to the other thread, rather than being copied. Where it came
 * from it is empty then. 64 MB go over in less than a millisecond. Pools of processes refuse such arguments, and copy such
 * results.
 *
 * @param value - an argument as a whole, or what a task returns or yields
 * @param list - the buffers and ports in it; left out, `value` itself, or the memory that it is a view of
 * @returns `value`
 *
 * @example
 * ```ts fragment
 * const sorted = await pool.run(sort, transfer(numbers));
 * ```
 */
export function transfer<T extends object>(value: T, list?: readonly Transferable[]): T {
  lists.set(value, list ?? memoryOf(value));
  return value;
}

function memoryOf(value: object): readonly Transferable[] {
  // Others need its memory, too, so it is copied.
  if (isPooled(value)) return [];
  return [(ArrayBuffer.isView(value) ? value.buffer : value) as Transferable];
}

/** What of a value goes over as it is. */
export function transfersOf(value: unknown): readonly Transferable[] | undefined {
  return typeof value === "object" && value !== null ? lists.get(value) : undefined;
}

/** The same for several, which may share what goes over; undefined, as almost always, if there is nothing. */
export function transfersOfAll(values: Iterable<unknown>): readonly Transferable[] | undefined {
  let all: Set<Transferable> | undefined;
  for (const value of values) {
    const list = transfersOf(value);
    if (list === undefined) continue;
    all ??= new Set();
    for (const each of list) all.add(each);
  }
  return all && [...all];
}
