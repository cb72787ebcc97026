import type { ScopeNode } from "../../core/index.ts";
import type { ProgressSender } from "./progress-sender.ts";
import type { Slots } from "./slots.ts";
import type { TaskPlace } from "./protocol.ts";

export type AnyFunction = (...args: never[]) => unknown;

interface RunningCall {
  readonly slots: Slots;
  readonly call: number;
  readonly scope: ScopeNode;
  /** Undefined if nobody listens. */
  readonly progress: ProgressSender | undefined;
}

interface WorkerState {
  /** What modules have given to `defineTask` and `cpu`, by {@link taskKey}. */
  readonly defined: Map<string, AnyFunction>;
  /** How many there are of each name within a module. */
  readonly ordinals: Map<string, number>;
  /** Whether this is a thread or a process of a pool. */
  isWorker: boolean;
  /** The module that the worker is loading, to find a function in it. */
  loading: string | undefined;
  /** The call that the worker is at. */
  running: RunningCall | undefined;
}

const key: unique symbol = Symbol.for("taskwright:workers") as never;
const holder = globalThis as { [key]?: WorkerState };

/** One for each worker, whichever copy of the package asks. */
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
