import type { Bindings } from "./context-var.ts";

/** What a variable is known by: the same in each thread and process that has loaded its module. */
export interface VariableKey {
  /** Undefined if it is known here only. */
  text: string | undefined;
  /** Whether the variable is there. Its value may have come first. */
  isMade: boolean;
}

/** Variables and their values, in turns, for another thread or process. */
export type Travelling = readonly unknown[];

/** The keys of the variables that there are. */
export class VariableKeys {
  readonly #keys = new Map<string, VariableKey>();
  readonly #maxKeys: number;

  /** @param maxKeys - who makes more variables makes them as the program goes on, and they are not known elsewhere */
  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  /** The key of a new variable of that name in `module`. If there are several, nothing tells them apart: none is known. */
  make(module: string, name: string): VariableKey {
    const text = `${module}#${name}`;
    const known = this.#keys.get(text);
    if (known?.isMade === false) {
      known.isMade = true;
      return known;
    }
    if (known !== undefined) known.text = undefined;
    // Code that was evaluated has no module.
    const isUnknown = known !== undefined || module === "" || this.#keys.size >= this.#maxKeys;
    if (isUnknown) return { text: undefined, isMade: true };
    return this.#add(text, true);
  }

  /** What has come from elsewhere, bound here. A variable whose module is not loaded yet has its value when it is. */
  arrived(travelling: Travelling): Bindings | undefined {
    let bindings: Bindings | undefined;
    for (let i = 0; i < travelling.length; i += 2) {
      const text = travelling[i] as string;
      const key = this.#keys.get(text) ?? this.#add(text, false);
      bindings = { key, value: travelling[i + 1], outer: bindings };
    }
    return bindings;
  }

  #add(text: string, isMade: boolean): VariableKey {
    const key = { text, isMade };
    this.#keys.set(text, key);
    return key;
  }
}

/** Those of this thread. */
export const variableKeys: VariableKeys = new VariableKeys(10_000);

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
