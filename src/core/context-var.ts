import { Frame, currentFrame, enter } from "./ambient.ts";
import { callerModule } from "./caller-module.ts";
import { currentScope } from "./current.ts";
import type { ScopeNode } from "./scope.ts";
import { type VariableKey, variableKeys } from "./travelling.ts";

/** The variables bound around the running code: a list, newest first, in which each stands once. Never changed. */
export interface Bindings {
  readonly key: VariableKey;
  readonly value: unknown;
  readonly outer: Bindings | undefined;
}

/** A frame of code in `scope` with other variables bound than the scope has. */
export class BoundFrame extends Frame {
  readonly scope: ScopeNode;

  /** @param bindings - those of the running code if left out */
  constructor(scope: ScopeNode, bindings?: Bindings) {
    super(bindings);
    this.scope = scope;
  }
}

/** Settings of a {@link ContextVar}. */
export interface ContextVarOptions<T> {
  /** What `get()` returns where nothing is bound. @default undefined */
  readonly default?: T;
}

/**
 * A value that goes along with the work: a request id, a tenant, a logger.
 *
 * Tasks see what was bound where they were spawned. Binding does not reach the code around it. Threads and processes of
 * `taskwright/workers` see it, too, where the variable was made as its module was loaded, and the value is data. `Unbound`
 * is the type of what `get()` returns, besides a `T`, where nothing is bound: `never` if there is a default.
 *
 * @example
 * ```ts
 * import { ContextVar, taskGroup } from "taskwright";
 *
 * const requestId = new ContextVar<string>("requestId", { default: "none" });
 * const seen = await requestId.run("r-1", () =>
 *   taskGroup((group) => group.spawn(async () => requestId.get()).join()),
 * );
 * console.log(seen, requestId.get()); // => r-1 none
 * ```
 */
export interface ContextVar<T, Unbound = undefined> {
  /** For people. */
  readonly name: string;
  /** The value bound around the running code; where there is none the default, or undefined without one. */
  get(): T | Unbound;
  /** Calls `fn` with this variable bound to `value`, for `fn` and everything it starts. Returns what `fn` returns. */
  run<R>(value: T, fn: () => R): R;
}

/** Makes a {@link ContextVar}. A class could not tell by its type whether there is a default. */
interface ContextVarConstructor {
  /** @param name - what it is called in messages */
  new <T>(name: string, options: { readonly default: T }): ContextVar<T, never>;
  new <T>(name: string, options?: ContextVarOptions<T>): ContextVar<T>;
}

export const ContextVar: ContextVarConstructor = class<T> {
  readonly name: string;
  readonly #default: T;
  readonly #key: VariableKey;

  constructor(name: string, options: ContextVarOptions<T> = {}) {
    this.name = name;
    this.#key = variableKeys.make(callerModule(2), name);
    this.#default = options.default as T;
  }

  get(): T {
    for (let bound = currentFrame()?.bindings; bound !== undefined; bound = bound.outer) {
      if (bound.key === this.#key) return bound.value as T;
    }
    return this.#default;
  }

  run<R>(value: T, fn: () => R): R {
    const bindings = { key: this.#key, value, outer: without(this.#key, currentFrame()?.bindings) };
    return enter(new BoundFrame(currentScope(), bindings), fn, undefined, undefined);
  }
};

/** The list without a variable that is bound anew: work that goes on for ever, binding as it goes, keeps the newest. */
function without(key: VariableKey, bindings: Bindings | undefined): Bindings | undefined {
  const newer: Bindings[] = [];
  let bound = bindings;
  for (; bound !== undefined && bound.key !== key; bound = bound.outer) newer.push(bound);
  if (bound === undefined) return bindings;
  return newer.reduceRight((outer, each) => ({ ...each, outer }), bound.outer);
}
