import { ScopeClosedError, isCancelled, isMadeOf } from "./errors.ts";
import { describeError } from "./reason.ts";

let isGuarding = false;

/**
 * From the first cancellation on: an unhandled `Cancelled` does not crash the process.
 *
 * `const a = f(), b = f(); await a; await b` leaves `b` without a handler when cancellation makes `a` reject; if `b` then
 * takes longer to clean up than its scope lives, it ends with a ScopeClosedError. Any other unhandled rejection does what
 * it would do without us.
 */
export function guardUnhandled(): void {
  if (isGuarding) return;
  isGuarding = true;
  process.on("unhandledRejection", (reason) => {
    if (isMadeOf(reason, isForgotten)) return;
    // Listening takes Node's default away, which is to throw. With other listeners it is theirs to decide.
    if (process.listenerCount("unhandledRejection") === 1 && isDefaultMode()) throw asError(reason);
  });
}

function isForgotten(error: Error): boolean {
  return isCancelled(error) || (error instanceof ScopeClosedError && error.wasCancelled);
}

function isDefaultMode(): boolean {
  const options = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ");
  const mode = /--unhandled-rejections[= ](\S+)/.exec(options)?.[1];
  return mode === undefined || mode === "throw";
}

function asError(reason: unknown): unknown {
  if (reason instanceof Error) return reason;
  return Object.assign(
    new Error(`An unhandled promise was rejected with ${describeError(reason)}`, { cause: reason }),
    {
      code: "ERR_UNHANDLED_REJECTION",
    },
  );
}
