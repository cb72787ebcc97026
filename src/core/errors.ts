/**
 * The errors of the core.
 *
 *     Error
 *     ├─ Cancelled                ABORT_ERR            your scope was cancelled: clean up and let it pass
 *     └─ TaskwrightError
 *        ├─ TimeoutError          TIMEOUT              the work took too long
 *        ├─ TaskCancelledError    TASK_CANCELLED       the task you joined was cancelled
 *        ├─ ScopeClosedError      SCOPE_CLOSED         this code outlived its scope: an await is missing
 *        └─ GroupClosedError      GROUP_CLOSED         spawned into a group that has ended
 *
 * Wrong arguments are TypeError and RangeError. Several failures at once are an AggregateError.
 */
import { turn } from "./clock.ts";
import { type CancelReason, describeReason } from "./reason.ts";

const brand = "taskwright:error" as const;

/** The base of every error of ours that is not a programmer's mistake and not a cancellation. */
export abstract class TaskwrightError extends Error {
  /** Marks errors of any copy of this package; see {@link isTaskwrightError}. */
  readonly brand: typeof brand = brand;
  /** Stable, for programs. */
  abstract readonly code: string;
}

/**
 * Thrown by every checkpoint of a cancelled scope. It is an `AbortError`, as from an AbortSignal.
 *
 * One object serves the whole cancellation, so its stack shows who cancelled, not who waited. It has none where that says
 * nothing, as for a deadline, or where very many were cancelled in a row.
 */
export class Cancelled extends Error {
  override readonly name = "AbortError" as const;
  readonly brand: typeof brand = brand;
  /** As on the platform's own AbortError. */
  readonly code = "ABORT_ERR" as const;
  /** Why. */
  readonly reason: CancelReason;

  constructor(reason: CancelReason) {
    const message = `cancelled: ${describeReason(reason)}`;
    const usual = Error.stackTraceLimit;
    // Taking the stack costs more than all the rest of a cancellation. Where the limit is frozen, so be it.
    if (!isStackWorthwhile(reason)) Reflect.set(Error, "stackTraceLimit", 0);
    super(message);
    Reflect.set(Error, "stackTraceLimit", usual);
    this.reason = reason;
  }
}

/** What is cancelled in a row is cancelled by the same code: so many stacks are taken in one turn of the loop. */
const maxStacksInTurn = 100;
let stacksInTurn = 0;
let lastTurnMs = 0;

function isStackWorthwhile({ kind }: CancelReason): boolean {
  // The others come from timers and from within the package.
  if (kind !== "requested" && kind !== "disconnected") return false;
  if (lastTurnMs !== turn.startedMs) stacksInTurn = 0;
  lastTurnMs = turn.startedMs;
  return ++stacksInTurn <= maxStacksInTurn;
}

/** The work did not end within its time. An ordinary error: the scope around the timeout is not cancelled. */
export class TimeoutError extends TaskwrightError {
  override readonly name = "TimeoutError" as const;
  override readonly code = "TIMEOUT" as const;
  /** The time allowed, in milliseconds: up to the deadline that has passed, wherever it had been moved. 0 or more. */
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number) {
    super(`${what} did not end within ${formatMs(timeoutMs)}`);
    this.timeoutMs = timeoutMs;
  }
}

/** The task that was joined had been cancelled. Not a cancellation of the one who joins. */
export class TaskCancelledError extends TaskwrightError {
  override readonly name = "TaskCancelledError" as const;
  override readonly code = "TASK_CANCELLED" as const;
  /** The name of the task. */
  readonly task: string;
  /** Why it was cancelled. */
  readonly reason: CancelReason;

  // The Cancelled itself is not kept as `cause`: that would make this a cancellation of the joiner.
  constructor(task: string, reason: CancelReason) {
    super(`task ${task} was cancelled: ${describeReason(reason)}`);
    this.task = task;
    this.reason = reason;
  }
}

/** A checkpoint was reached by code whose scope has ended: somewhere an `await` is missing. */
export class ScopeClosedError extends TaskwrightError {
  override readonly name = "ScopeClosedError" as const;
  override readonly code = "SCOPE_CLOSED" as const;
  /** The name of the scope. */
  readonly scope: string;
  /** Whether the scope had been cancelled: then code may run on behind an `await` that threw, and nothing is forgotten. */
  readonly wasCancelled: boolean;

  constructor(scope: string, wasCancelled: boolean) {
    super(
      `${scope} has ended, but code started in it still runs: is an await missing? ` +
        "Use group.spawn() for work that goes on, bindToRoot() for callbacks that live longer.",
    );
    this.scope = scope;
    this.wasCancelled = wasCancelled;
  }
}

/** A task was to be spawned into a group that has ended already. */
export class GroupClosedError extends TaskwrightError {
  override readonly name = "GroupClosedError" as const;
  override readonly code = "GROUP_CLOSED" as const;

  constructor(group: string, task: string) {
    super(`cannot spawn ${task}: ${group} has ended. Spawn inside the group's callback, or use background().`);
  }
}

/** Whether `error` comes from this package, whichever copy of it. */
export function isTaskwrightError(error: unknown): error is TaskwrightError | Cancelled {
  return isError(error) && (error as { brand?: unknown }).brand === brand;
}

/** Also of another realm: code that test runners put into a `vm` context gets errors of Node from outside it. */
function isError(error: unknown): error is Error {
  return error instanceof Error || Error.isError(error);
}

/** Whether `error` is our {@link Cancelled}, from whichever copy of the package. */
export function isCancelled(error: unknown): error is Cancelled {
  return isTaskwrightError(error) && error.code === "ABORT_ERR";
}

/** How far a chain of causes is followed: longer ones are loops or accidents. */
const maxCauses = 32;

/** How many of the errors that an error is made of are looked at. */
const maxParts = 10_000;

/**
 * Whether `error` may be the trace of a cancellation: an AbortError, one whose causes lead to a Cancelled, or one that
 * is made of nothing but such, as `await using` makes one when a disposal meets a checkpoint too.
 */
export function looksCancelled(error: unknown): boolean {
  return isMadeOf(error, isTrace);
}

function isTrace(error: Error): boolean {
  if (error.name === "AbortError") return true;
  let cause: unknown = error.cause;
  for (let depth = 0; depth < maxCauses && isError(cause); depth++) {
    if (isMadeOf(cause, isCancelled)) return true;
    cause = cause.cause;
  }
  return false;
}

/**
 * Whether `is` holds for `error`, or for every part of it if it is a SuppressedError or an AggregateError, whatever their
 * own cause: one ordinary error makes the whole an ordinary one.
 */
export function isMadeOf(error: unknown, is: (part: Error) => boolean): boolean {
  try {
    if (!isError(error)) return false;
    if (!(error instanceof SuppressedError || error instanceof AggregateError)) return is(error);
    const parts: unknown[] = [error];
    for (let looked = 0; parts.length > 0; looked++) {
      const part = parts.pop();
      if (looked >= maxParts || !isError(part)) return false;
      if (part instanceof SuppressedError) parts.push(part.suppressed, part.error);
      else if (part instanceof AggregateError && part.errors.length > 0) parts.push(...(part.errors as unknown[]));
      else if (!is(part)) return false;
    }
    return true;
  } catch {
    // What cannot even be read is no cancellation.
    return false;
  }
}

/** `250` as "250 ms", `30_000` as "30 s". */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms * 10) / 10} ms`;
  return `${Math.round(ms / 100) / 10} s`;
}
