import { arrive, refuse } from "./current.ts";
import { looksCancelled } from "./errors.ts";
import { type ScopeNode, stopError } from "./scope.ts";
import type { Straggler } from "./tree.ts";
import { Waiter } from "./waiter.ts";

class Interruptible<T> extends Waiter<T> {
  readonly #foreign: Promise<T>;
  readonly #controller: AbortController | undefined;

  constructor(scope: ScopeNode, foreign: Promise<T>, controller: AbortController | undefined) {
    super(scope);
    this.#foreign = foreign;
    this.#controller = controller;
    foreign.then(
      (value) => this.resolve(value),
      (error: unknown) => this.reject(error),
    );
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return "a foreign promise";
  }

  protected override leave(error: Error): void {
    adopt(this.scope!, this.#foreign);
    this.#controller?.abort(error);
  }
}

/** Lists a promise that nobody waits for any more, until it settles, and reports its late error. */
function adopt(scope: ScopeNode, foreign: Promise<unknown>): void {
  const { clock, stragglers } = scope.tree;
  const straggler: Straggler = { scope: scope.name, sinceMs: clock.now() };
  stragglers.add(straggler);
  foreign.then(
    () => stragglers.delete(straggler),
    (error: unknown) => {
      stragglers.delete(straggler);
      if (!looksCancelled(error)) reportLate(scope.name, error);
    },
  );
}

function reportLate(scope: string, error: unknown): void {
  const warning = new Error(`A promise that ${scope} had stopped waiting for failed later`, { cause: error });
  warning.name = "TaskwrightLateError";
  process.emitWarning(warning);
}

/**
 * Waits for a promise that knows nothing of scopes, and stops waiting when cancelled.
 *
 * Cancel: rejects at once. The promise is listed as a straggler until it settles; if it fails then, that is reported
 * as a process warning. Where the work can be stopped, pass a function: its signal aborts.
 *
 * @param work - a promise, or a function that is given a signal and returns one
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import { interruptible } from "taskwright";
 *
 * const emitter = new EventTarget();
 * setImmediate(() => emitter.dispatchEvent(new Event("ready")));
 * const [event] = await interruptible((signal) => once(emitter, "ready", { signal }));
 * console.log(event.type); // => ready
 * ```
 */
export function interruptible<T>(work: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T>)): Promise<T> {
  const scope = arrive();
  if (typeof work !== "function") return waitFor(scope, work, undefined);
  if (scope.stop !== undefined) return refuse(scope);
  // A controller of its own: listeners on a signal that lives as long as the scope would pile up.
  const controller = new AbortController();
  try {
    return waitFor(scope, work(controller.signal), controller);
  } catch (error) {
    return Promise.reject(error);
  }
}

function waitFor<T>(scope: ScopeNode, work: PromiseLike<T>, controller: AbortController | undefined): Promise<T> {
  // Whatever a hand-made thenable does, or a function that returns none, a native promise settles once.
  const foreign = Promise.resolve(work);
  if (scope.stop === undefined) return new Interruptible(scope, foreign, controller).promise;
  adopt(scope, foreign);
  controller?.abort(stopError(scope));
  return refuse(scope);
}
