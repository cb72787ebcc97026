import { TaskwrightError } from "../core/index.ts";

/** Everything in a tree under virtual time waits, and nothing is there that could end it. */
export class DeadlockError extends TaskwrightError {
  override readonly name = "DeadlockError" as const;
  override readonly code = "DEADLOCK" as const;
  /** The tree at that moment: which task waits for what. */
  readonly tree: string;

  constructor(tree: string) {
    super(`everything waits, and no timer is set that could end it:\n${tree}`);
    this.tree = tree;
  }
}

/** One of the orders tried by `explore` failed. What it failed with is the `cause`. */
export class ExploreError extends TaskwrightError {
  override readonly name = "ExploreError" as const;
  override readonly code = "EXPLORE_FAILED" as const;
  /** What to give to `replay`. */
  readonly seed: number;

  constructor(seed: number, of: number, cause: unknown) {
    super(`seed ${seed} of ${of} failed; replay it with replay(fn, ${seed}): ${firstLineOf(cause)}`, { cause });
    this.seed = seed;
  }
}

/** What went wrong, in a line. */
export function firstLineOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name}: ${error.message}`.split("\n", 1)[0]!;
}
