import { TaskNotFoundError } from "../errors.ts";
import type { TaskPlace } from "./protocol.ts";
import { type AnyFunction, taskKey, workerState } from "./worker-state.ts";

/**
 * In a thread: loads the module of a function, and finds it there.
 *
 * @throws what the module throws as it is loaded
 */
export async function findTask(place: TaskPlace): Promise<(...args: unknown[]) => unknown> {
  const { module, name, ordinal } = place;
  workerState.loading = module;
  try {
    const exported = (await import(module)) as Record<string, unknown>;
    if (ordinal === undefined) return callable(exported[name] ?? defaultOf(exported, name), place);
    return callable(workerState.defined.get(taskKey(place)), place);
  } finally {
    workerState.loading = undefined;
  }
}

/** CommonJS has its exports in one object, of which Node does not see every name. */
function defaultOf(exported: Record<string, unknown>, name: string): unknown {
  return (exported["default"] as Record<string, unknown> | undefined)?.[name];
}

function callable(found: unknown, { module, name, ordinal }: TaskPlace): (...args: unknown[]) => unknown {
  if (typeof found === "function") return found as AnyFunction as (...args: unknown[]) => unknown;
  const hint =
    ordinal === undefined
      ? "export a function of that name"
      : "define it where the module is loaded, and not again; not in a function, nor behind a condition";
  throw new TaskNotFoundError(name, module, hint);
}
