import { currentFrame, forgetLastFrame } from "./ambient.ts";
import { type Clock, realClock } from "./clock.ts";
import { expectMs } from "./expect.ts";
import { GroupNode } from "./group.ts";
import { keepAlive, letGo } from "./keep-alive.ts";
import { type Scope, ScopeNode, stopError } from "./scope.ts";
import { cancelOnSignal } from "./signals.ts";
import { Tree } from "./tree.ts";

/** Settings of {@link run}. */
export interface RunOptions {
  /** Whether SIGINT and SIGTERM cancel the tree and end the process. `false` in tests and libraries. @default true */
  readonly signals?: boolean;
  /** How long the tree may take to end after a signal, in milliseconds, before the process exits anyway. @default 10_000 */
  readonly graceMs?: number;
  /** What the tree is called in messages. @default "run" */
  readonly name?: string;
}

/**
 * Runs `main` as the root of a task tree, and returns when everything in the tree has ended.
 *
 * SIGINT and SIGTERM cancel the tree; when it has ended the process exits with 130 or 143. A second signal, or the end
 * of `graceMs`, prints the tasks that would not stop and where each waits, and exits at once.
 *
 * Cancel: inside another scope the tree is part of it and is cancelled with it.
 *
 * @returns what `main` returns; undefined, which the type does not say, if {@link Scope.cancel} cut it short
 * @throws what `main` or a background task threw
 *
 * @example
 * ```ts
 * import { run, sleep } from "taskwright";
 *
 * const answer = await run(async () => {
 *   await sleep(10);
 *   return 42;
 * });
 * console.log(answer); // => 42
 * ```
 */
export async function run<T>(main: (scope: Scope) => T | PromiseLike<T>, options: RunOptions = {}): Promise<T> {
  const { signals = true, graceMs = 10_000, name = "run" } = options;
  expectMs("graceMs", graceMs, 0);
  const tree = openTree(currentFrame()?.scope.tree.clock ?? realClock, name);
  const ended = signals ? cancelOnSignal(tree.root, graceMs) : () => {};
  let failure: unknown;
  try {
    return await runTree(tree, main);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    ended(failure);
  }
}

/** Opens the root of a new tree, inside the scope of the running code if there is one. */
export function openTree(clock: Clock, name: string): Tree {
  const parent = currentFrame()?.scope ?? null;
  if (parent?.isClosed === true) throw stopError(parent);
  const tree = new Tree(clock);
  tree.conductor = parent?.tree.conductor;
  tree.probe = parent?.tree.probe;
  tree.root = new ScopeNode(parent, tree, name);
  // Inside another tree it is the flow of the task that opens it, as for any scope that is no task.
  tree.root.flows = parent === null ? 1 : 0;
  return tree;
}

/** Runs `main` in the root of `tree` to the end of everything in it. */
export async function runTree<T>(tree: Tree, main: (scope: Scope) => T | PromiseLike<T>): Promise<T> {
  const { root } = tree;
  keepAlive(root, "until it ends");
  try {
    return (await new GroupNode(root, true).run(() => main(root))) as T;
  } finally {
    letGo(root);
    forgetLastFrame();
    listStragglers(tree);
    tree.end();
  }
}

function listStragglers(tree: Tree): void {
  // Under test they are for the test to tell.
  if (tree.stragglers.size === 0 || tree.probe !== undefined) return;
  const scopes = [...new Set([...tree.stragglers].map((straggler) => straggler.scope))].join(", ");
  process.emitWarning(
    `${tree.root.name} has ended while ${tree.stragglers.size} foreign promises it stopped waiting for are unsettled ` +
      `(given up in: ${scopes})`,
    { type: "TaskwrightWarning", code: "TASKWRIGHT_STRAGGLERS" },
  );
}
