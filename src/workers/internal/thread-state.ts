import type { ScopeNode } from "../../core/index.ts";
import type { Slots } from "./slots.ts";
import type { TaskPlace } from "./protocol.ts";

export type AnyFunction = (...args: never[]) => unknown;

interface ThreadState {
  /** What modules have given to `defineTask` and `cpu`, by {@link taskKey}. */
  readonly defined: Map<string, AnyFunction>;
  /** How many there are of each name within a module. */
  readonly ordinals: Map<string, number>;
  /** Whether this is a thread of a pool. */
  isThread: boolean;
  /** The module that the thread is loading, to find a function in it. */
  loading: string | undefined;
  /** The call that the thread is at. */
  running: { readonly slots: Slots; readonly call: number; readonly scope: ScopeNode } | undefined;
}

const key: unique symbol = Symbol.for("taskwright:workers") as never;
const holder = globalThis as { [key]?: ThreadState };

/** One for each thread, whichever copy of the package asks. */
export const threadState: ThreadState = (holder[key] ??= {
  defined: new Map(),
  ordinals: new Map(),
  isThread: false,
  loading: undefined,
  running: undefined,
});

export function taskKey({ module, name, ordinal }: TaskPlace): string {
  return `${module}#${name}#${ordinal}`;
}
