import { arrive, refuse } from "./current.ts";
import { ForeignWaiter, foreignPromise } from "./foreign.ts";
import { type ScopeNode, stopError } from "./scope.ts";

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
  try {
    if (typeof work !== "function") return waitFor(scope, work, undefined);
    if (scope.stop !== undefined) return refuse(scope);
    // A controller of its own: listeners on a signal that lives as long as the scope would pile up.
    const controller = new AbortController();
    return waitFor(scope, work(controller.signal), controller);
  } catch (error) {
    return Promise.reject(error);
  }
}

function waitFor<T>(scope: ScopeNode, work: PromiseLike<T>, controller: AbortController | undefined): Promise<T> {
  const foreign = foreignPromise(work);
  if (scope.stop === undefined) return new ForeignWaiter(scope, foreign, controller).promise;
  foreign.giveUp(scope);
  controller?.abort(stopError(scope));
  return refuse(scope);
}
