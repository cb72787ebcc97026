import type { Bindings } from "./context-var.ts";

/** What a variable is known by: the same in each thread and process that has loaded its module. */
export interface VariableKey {
  /** Undefined if it is known here only. */
  text: string | undefined;
  /** Whether the variable is there. Its value may have come first. */
  isMade: boolean;
}

const keys = new Map<string, VariableKey>();
/** Whoever makes so many variables makes them as the program goes on, and they are not known elsewhere. */
const maxKeys = 10_000;

/** The key of a variable of that name made in `module`. If there are several, nothing tells them apart, and none is known. */
export function variableKey(module: string, name: string): VariableKey {
  const text = `${module}#${name}`;
  const known = keys.get(text);
  if (known?.isMade === false) {
    known.isMade = true;
    return known;
  }
  if (known !== undefined) known.text = undefined;
  if (known !== undefined || keys.size >= maxKeys) return { text: undefined, isMade: true };
  return keyOf(text, true);
}

function keyOf(text: string, isMade: boolean): VariableKey {
  const key = { text, isMade };
  keys.set(text, key);
  return key;
}

/** Variables and their values, in turns, for another thread or process. */
export type Travelling = readonly unknown[];

/**
 * Those of `bindings` that can be known elsewhere, and have values that can be copied; undefined if there is none.
 *
 * @param copyOf - a copy of an object, made in the way in which it will go over; throws if that cannot be
 */
export function travellingOf(
  bindings: Bindings | undefined,
  copyOf: (value: object) => unknown,
): Travelling | undefined {
  let all: unknown[] | undefined;
  for (let bound = bindings; bound !== undefined; bound = bound.outer) {
    const { text } = bound.key;
    if (text === undefined) continue;
    const value = copied(bound.value, copyOf);
    if (value !== notCopied) (all ??= []).push(text, value);
  }
  return all;
}

/** The same variables, bound here. One whose module is not loaded yet has its value when it is. */
export function arrived(travelling: Travelling): Bindings | undefined {
  let bindings: Bindings | undefined;
  for (let i = 0; i < travelling.length; i += 2) {
    const text = travelling[i] as string;
    const key = keys.get(text) ?? keyOf(text, false);
    bindings = { key, value: travelling[i + 1], outer: bindings };
  }
  return bindings;
}

const notCopied: unique symbol = Symbol("not copied");

function copied(value: unknown, copyOf: (value: object) => unknown): unknown {
  if (typeof value === "function" || typeof value === "symbol") return notCopied;
  if (typeof value !== "object" || value === null) return value;
  try {
    const copy = copyOf(value);
    // An instance of a class would arrive as something else.
    return Object.getPrototypeOf(copy) === Object.getPrototypeOf(value) ? copy : notCopied;
  } catch {
    return notCopied;
  }
}
