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
function firstLineOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name}: ${error.message}`.split("\n", 1)[0]!;
}

/** The moment of a cancellation that went wrong. */
export interface CancelPoint {
  /** Which checkpoint, counted from 1 in the order in which they are reached. */
  readonly checkpoint: number;
  /**
   * `before`: as it is reached, so that it refuses to wait. `while`: when it waits; or, where it need not, when it has
   * its value and has not gone on. `after`: when what it waited for has come and it has not gone on.
   */
  readonly moment: "before" | "while" | "after";
  /** The seed of the order, if orders were explored as well. */
  readonly seed?: number;
}

/** A function did not take it well to be cancelled at one of its checkpoints. */
export class CancelSweepError extends TaskwrightError {
  override readonly name = "CancelSweepError" as const;
  override readonly code = "CANCEL_SWEEP_FAILED" as const;
  /** Where it was cancelled: give it to `cancelEverywhere` as `only`, to see it again. Undefined if it was not. */
  readonly point: CancelPoint | undefined;
  /** What was left behind; empty if something else went wrong, which is the `cause`. */
  readonly left: readonly string[];

  constructor(
    where: string,
    point: CancelPoint | undefined,
    wrong: { readonly cause: unknown } | { readonly left: readonly string[] },
  ) {
    if ("cause" in wrong) super(`${where}: ${firstLineOf(wrong.cause)}`, wrong);
    else super(`${where}: leaves behind ${wrong.left.join(", ")}`);
    this.point = point;
    this.left = "left" in wrong ? wrong.left : [];
  }
}

/** A function left something behind that it should have given back. */
export class LeakError extends TaskwrightError {
  override readonly name = "LeakError" as const;
  override readonly code = "LEAKED" as const;
  /** What was left behind, a line each. */
  readonly left: readonly string[];

  constructor(left: readonly string[]) {
    super(`left behind: ${left.join(", ")}`);
    this.left = left;
  }
}
