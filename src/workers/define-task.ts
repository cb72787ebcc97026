import { callerModule } from "../core/index.ts";
import type { TaskPlace } from "./internal/protocol.ts";
import { type AnyFunction, taskKey, workerState } from "./internal/worker-state.ts";

/**
 * A function that a worker can find: from {@link defineTask} or `cpu`, or an export of a module; and who listens to its
 * progress, if anybody does.
 */
export type WorkerTask<A extends readonly unknown[], R> = ((...args: A) => R) | ModuleTask<A, R> | ListenedTask<A, R>;

/** A task, and what to do with the progress that it reports. */
export interface ListenedTask<A extends readonly unknown[] = readonly unknown[], R = unknown> {
  /** From {@link defineTask} or `cpu`, or an export of a module. */
  readonly task: ((...args: A) => R) | ModuleTask<A, R>;
  /**
   * Called with what the task gives to `reportProgress`, in order and before its result, some 20 times a second at most.
   * What it throws stops the task, and is what its caller gets.
   */
  onProgress(this: void, value: unknown): void;
}

/** A task of any kind. */
export type AnyTask = AnyFunction | ModuleTask | ListenedTask;

/** A function that a module exports. For bundlers, which know `new URL("./tasks.js", import.meta.url)`. */
export interface ModuleTask<A extends readonly unknown[] = readonly unknown[], R = unknown> {
  /** The URL of the module. */
  readonly module: URL | string;
  /** The name of the export. */
  readonly name: string;
  /** Never there; it carries the types. */
  readonly type?: (...args: A) => R;
}

const places = new WeakMap<object, TaskPlace>();

/**
 * Lets threads run a function of this module. They import the module, which stands in front of the call, and find the
 * function by its name; so call this where the module is loaded, and not in another function.
 *
 * Imports, types, and what else is in the module can be used in the function. What the module does when it is loaded, it
 * does in each thread, so what the program does goes into `if (import.meta.main)`.
 *
 * @param fn - sync or async; with a name. What it takes and returns must be data, which can be copied
 * @returns `fn` itself, which can be called here as well
 * @throws {TypeError} `fn` is no function or has no name
 *
 * @example
 * ```ts fragment
 * import { defineTask, openThreadPool } from "taskwright/workers";
 *
 * const countWords = defineTask(function countWords(text: string) {
 *   return text.split(/\s+/).length;
 * });
 *
 * if (import.meta.main) {
 *   await using pool = openThreadPool();
 *   console.log(await pool.run(countWords, "to be or not to be")); // 6
 * }
 * ```
 */
export function defineTask<F extends (...args: never[]) => unknown>(fn: F): F {
  register(fn, callerModule(2));
  return fn;
}

/** Registers `fn` under its module. */
export function register(fn: AnyFunction, module: string): void {
  if (typeof fn !== "function") throw new TypeError(`Expected \`fn\` to be a function, got \`${String(fn)}\``);
  const { name } = fn;
  if (name === "")
    throw new TypeError(
      "Expected `fn` to have a name: threads find it by that. What minifies can keep it (`keepNames`)",
    );
  const counted = `${module}#${name}`;
  const ordinal = workerState.ordinals.get(counted) ?? 0;
  workerState.ordinals.set(counted, ordinal + 1);
  const place = { module, name, ordinal };
  places.set(fn, place);
  // Only threads look there: elsewhere whoever defines again and again would keep it all.
  if (workerState.isWorker) workerState.defined.set(taskKey(place), fn);
}

/** Lets another function stand for one that is registered. */
export function standsFor(wrapper: AnyFunction, fn: AnyFunction): void {
  places.set(wrapper, places.get(fn)!);
}

/** Where threads find `task`. */
export function placeOf(task: AnyTask): TaskPlace {
  if (isListened(task)) return placeOf(task.task);
  if (typeof task === "function") {
    const place = places.get(task);
    if (place === undefined) {
      throw new TypeError(
        `Expected \`task\` to be known to threads, got function \`${task.name}\`: give it to defineTask() where its module is loaded`,
      );
    }
    if (URL.canParse(place.module)) return place;
    throw new TypeError(`Threads cannot load \`${place.module}\`, in which task ${place.name} is: put it into a file`);
  }
  const { module, name } = (task as ModuleTask | undefined) ?? {};
  if (typeof name !== "string" || !(module instanceof URL || (typeof module === "string" && URL.canParse(module)))) {
    throw new TypeError(
      "Expected `task` to be a function from defineTask(), or `{ module, name }` with the URL of a module",
    );
  }
  return { module: String(module), name, ordinal: undefined };
}

/** What is done with the progress of `task`; undefined if nobody listens. */
export function onProgressOf(task: AnyTask): ((value: unknown) => void) | undefined {
  if (!isListened(task)) return undefined;
  const { onProgress } = task;
  if (typeof onProgress === "function") return onProgress;
  throw new TypeError(`Expected \`onProgress\` to be a function, got \`${String(onProgress)}\``);
}

function isListened(task: AnyTask): task is ListenedTask {
  return typeof task === "object" && task !== null && "onProgress" in task;
}
