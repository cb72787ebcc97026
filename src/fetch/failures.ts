import { TaskwrightError } from "../core/index.ts";

/** More requests failed than `maxFailures` allows: nothing more was asked. What was on the wire has ended. */
export class TooManyFailuresError extends TaskwrightError {
  override readonly name = "TooManyFailuresError" as const;
  override readonly code = "FETCH_TOO_MANY_FAILURES" as const;
  /** Requests that failed. */
  readonly failed: number;
  /** Requests with an outcome. */
  readonly done: number;

  constructor(failed: number, done: number) {
    super(`${failed} of ${done} requests failed, which is more than \`maxFailures\` allows`);
    this.failed = failed;
    this.done = done;
  }
}
