import type { TaskFunction } from "../../core/index.ts";

/** Functions to run at once: in a list, or by names. */
export type Functions = readonly TaskFunction<unknown>[] | Readonly<Record<string, TaskFunction<unknown>>>;

/** What a function gives, awaited. */
export type ResultOf<F> = F extends TaskFunction<infer T> ? Awaited<T> : never;

/** One of the functions. */
interface Entry {
  /** Its place in the list, or its name. */
  readonly key: number | string;
  readonly fn: TaskFunction<unknown>;
  /** What its task is called. */
  readonly name: string;
}

/** @param caller - names tasks of functions that have no name: `gather[2]`, `gather.user` */
export function entriesOf(fns: Functions, caller: string): Entry[] {
  // By index: a hole in the list is no function, and must be met as such.
  if (isList(fns)) return Array.from(fns, (fn, key) => ({ key, fn, name: fn.name || `${caller}[${key}]` }));
  return Object.entries(fns).map(([key, fn]) => ({ key, fn, name: `${caller}.${key}` }));
}

/** Values in the shape of the functions they come from. */
export function shapeLike(fns: Functions, entries: readonly Entry[], values: readonly unknown[]): unknown {
  return isList(fns) ? values : Object.fromEntries(entries.map(({ key }, index) => [key, values[index]]));
}

function isList(fns: Functions): fns is readonly TaskFunction<unknown>[] {
  return Array.isArray(fns);
}

/** Checks that there is something to choose from. */
export function expectSome(fns: readonly unknown[]): void {
  if (fns.length === 0) throw new RangeError("Expected `fns` to have at least one function, got none");
}
