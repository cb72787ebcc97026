import { type Scope, type ScopeNode, type Tree, currentScope, openTree, runTree } from "../core/index.ts";
import { LeakError } from "./errors.ts";
import { LeakWatch } from "./internal/leak-watch.ts";
import { nextTurn } from "./internal/real-time.ts";
import { ResourceWatch } from "./internal/resources.ts";

/** A promise that was told to stop needs some turns of the loop to settle. */
const turnsToSettle = 20;

/**
 * Runs `fn` as a task tree of its own, on the clock around it, and fails naming what it leaves behind:
 *
 * - background tasks that still run when it returns (they are cancelled then)
 * - waits and scopes that nobody awaits
 * - permits and locks held, and waits in queues, of the package's own primitives that were waited at
 * - timers of the platform that it set, and active resources of the process: sockets, requests to the file system
 * - listeners on signals of scopes, unless those have aborted
 * - foreign promises given up and not settled
 *
 * Resources other than timers are counted, for the whole process: what others open meanwhile would be told as well, and
 * what they close could hide as much.
 *
 * Cancel: cancels `fn` and waits for it.
 *
 * @returns what `fn` returns
 * @throws {LeakError} LEAKED
 * @throws what `fn` throws; what it leaves behind is not told then
 *
 * @example
 * ```ts
 * import { Semaphore } from "taskwright";
 * import { expectNoLeaks } from "taskwright/testing";
 *
 * const semaphore = new Semaphore(1, { name: "db" });
 * const error = await expectNoLeaks(() => semaphore.acquire()).catch((error: unknown) => error);
 * console.log((error as Error).message); // => left behind: Semaphore "db": inUse is 1, was 0
 * ```
 */
export async function expectNoLeaks<T>(fn: (scope: Scope) => T | PromiseLike<T>): Promise<T> {
  const { clock, probe } = currentScope().tree;
  const tree = openTree(clock, "expectNoLeaks");
  using resources = new ResourceWatch(tree.root);
  const watch = new LeakWatch(probe);
  tree.probe = watch;
  const left: string[] = [];
  const value = await runTree(tree, async (scope) => {
    const result = await fn(scope);
    left.push(...backgroundTasks(tree.root), ...(await stragglers(tree)));
    if (tree.root.hasTasks) tree.root.cancel("left behind");
    return result;
  });
  left.push(...watch.left(tree.root), ...watch.listeners());
  left.push(...(await resources.stillGrown()));
  if (left.length > 0) throw new LeakError(left);
  return value;
}

function backgroundTasks(root: ScopeNode): string[] {
  const names: string[] = [];
  for (let child = root.firstChild; child !== null; child = child.nextSibling) {
    if (child.isTask) names.unshift(`task ${child.name} in the background`);
  }
  return names;
}

async function stragglers(tree: Tree): Promise<string[]> {
  for (let turn = 0; turn < turnsToSettle && tree.stragglers.size > 0; turn++) await nextTurn();
  return [...tree.stragglers].map(({ scope }) => `a foreign promise that ${scope} has stopped waiting for`);
}
