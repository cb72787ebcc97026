import type { ScopeNode } from "../../core/index.ts";
import type { Slots } from "./slots.ts";
import type { TaskPlace } from "./protocol.ts";

export type AnyFunction = (...args: never[]) => unknown;

interface WorkerState {
  /** What modules have given to `defineTask` and `cpu`, by {@link taskKey}. */
  readonly defined: Map<string, AnyFunction>;
  /** How many there are of each name within a module. */
  readonly ordinals: Map<string, number>;
  /** Whether this is a thread of a pool. */
  isWorker: boolean;
  /** The module that the thread is loading, to find a function in it. */
  loading: string | undefined;
  /** The call that the thread is at. */
  running: { readonly slots: Slots; readonly call: number; readonly scope: ScopeNode } | undefined;
}

const key: unique symbol = Symbol.for("taskwright:workers") as never;
const holder = globalThis as { [key]?: WorkerState };

/** One for each thread, whichever copy of the package asks. */
export const workerState: WorkerState = (holder[key] ??= {
  defined: new Map(),
  ordinals: new Map(),
  isWorker: false,
  loading: undefined,
  running: undefined,
});

export function taskKey({ module, name, ordinal }: TaskPlace): string {
  return `${module}#${name}#${ordinal}`;
}
