import { isCancelled, isMadeOf, isTaskwrightError } from "./errors.ts";
import { describeError } from "./reason.ts";

let isGuarding = false;

/** Marks the listeners of every copy of this package: they must not take each other for one of the program. */
const brand: symbol = Symbol.for("taskwright:guard");

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
  const isGuarded = process.listeners("unhandledRejection").some(isGuard);
  // The first copy does it for all.
  if (!isGuarded) process.on("unhandledRejection", Object.assign(guard, { [brand]: true }));
}

function guard(reason: unknown): void {
  if (isMadeOf(reason, isForgotten)) return;
  // Listening takes Node's default away, which is to throw. With other listeners it is theirs to decide.
  if (process.listeners("unhandledRejection").every(isGuard) && isDefaultMode()) throw asError(reason);
}

function isGuard(listener: object): boolean {
  return brand in listener;
}

function isForgotten(error: Error): boolean {
  if (isCancelled(error)) return true;
  return (
    isTaskwrightError(error) &&
    error.code === "SCOPE_CLOSED" &&
    (error as { wasCancelled?: unknown }).wasCancelled === true
  );
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
