import { looksCancelled } from "./errors.ts";

/** An error with the errors that came after it in the same group. */
export interface WithSuppressed {
  /** What failed after the error itself, in order; at most 1,000. */
  readonly suppressed?: readonly unknown[];
}

/** How many errors are kept; the rest is counted. */
const maxKept = 1_000;

/** Errors that a group has thrown: their `suppressed` is that group's to say. */
const thrown = new WeakSet<object>();

/** Collects what fails in a group, and makes one error of it. */
export class Failures {
  count = 0;
  readonly #kept: unknown[] = [];

  add(error: unknown): void {
    this.count++;
    if (this.#kept.length < maxKept) this.#kept.push(error);
  }

  /** Forgets them: somebody has been told. */
  clear(): void {
    this.count = 0;
    this.#kept.length = 0;
  }

  /** The first error itself, with the later ones in `suppressed`. */
  first(): unknown {
    const [first, ...later] = this.#kept;
    const others = later.filter((error) => error !== first);
    if (others.length === 0) return remember(first);
    if (!canCarry(first, others))
      return remember(new AggregateError([first, ...others], `${this.count} tasks failed${this.#leftOut()}`));
    Object.defineProperty(first, "suppressed", { value: others, enumerable: true, configurable: true, writable: true });
    return remember(first);
  }

  /** All errors, as an AggregateError: "2 of 5 tasks failed". */
  all(ofTasks: number): AggregateError {
    return remember(new AggregateError(this.#kept, `${this.count} of ${ofTasks} tasks failed${this.#leftOut()}`));
  }

  #leftOut(): string {
    return this.count > maxKept ? ` (the first ${maxKept} are kept)` : "";
  }
}

function canCarry(error: unknown, others: readonly unknown[]): error is Error {
  if (!(error instanceof Error) || !Object.isExtensible(error) || thrown.has(error) || "suppressed" in error)
    return false;
  // A scope that is cancelled takes an AbortError for its own, and what it carried would be gone.
  if (looksCancelled(error)) return false;
  // A task may have been joined elsewhere: its error must not lead back to itself.
  try {
    return !tellOf(others, error);
  } catch {
    return false;
  }
}

/** Whether one of `errors` is `other`, or leads to it, as what it holds or was caused by. */
function tellOf(errors: readonly unknown[], other: Error): boolean {
  const found = new Set(errors);
  // A set that grows while it is walked: however long the chains, the stack is not.
  for (const each of found) {
    if (each === other) return true;
    if (!(each instanceof Error)) continue;
    const { error, errors: held, suppressed, cause } = each as Error & Record<string, unknown>;
    for (const next of [error, held, suppressed, cause].flat()) found.add(next);
  }
  return false;
}

function remember<T>(error: T): T {
  if (typeof error === "object" && error !== null) thrown.add(error);
  return error;
}
