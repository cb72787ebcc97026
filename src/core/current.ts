import { currentFrame, outside } from "./ambient.ts";
import { realClock } from "./clock.ts";
import { Crew } from "./crew.ts";
import { keepAlive } from "./keep-alive.ts";
import { ScopeNode, closed, stopError } from "./scope.ts";
import { type Shared, Tree } from "./tree.ts";

/** The scope of code that runs outside any `run`: never cancelled, never closed. */
class Program extends ScopeNode {
  override get deadline(): number {
    return Infinity;
  }

  override set deadline(_atMs: number) {
    this.cancel();
  }

  override cancel(): never {
    throw new Error("Code outside any scope cannot be cancelled: put it into run(), or into cancelScope()");
  }
}

let implicitRoot: Program | undefined;

function rootOutsideRun(): ScopeNode {
  if (implicitRoot === undefined) {
    const tree = new Tree(realClock);
    // Whoever comes first must leave nothing of its own context behind.
    tree.root = implicitRoot = outside(() => new Program(null, tree, "the program"));
    keepAlive(tree.root, "while it waits");
    tree.root.crew = new Crew(tree.root, { taskFailed: (_name, error) => throwUncaught(error) });
  }
  return implicitRoot;
}

function throwUncaught(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** Whether it is the scope of code outside any `run`, which ends with the process only. */
export function isProgram(scope: ScopeNode): boolean {
  return scope === implicitRoot;
}

/** The scope of the running code. */
export function currentScope(): ScopeNode {
  const frame = currentFrame();
  return frame === undefined ? rootOutsideRun() : frame.scope;
}

/**
 * The scope of the running code, at a checkpoint. Every wait begins here, and looks at `scope.stop` next.
 *
 * Splitting the two lets a caller without a wait, such as an uncontended acquire, stay synchronous.
 *
 * @param at - what may be waited for, if it has `statistics()`: leaks are looked for there under test
 */
export function arrive(at?: Shared): ScopeNode {
  const scope = currentScope();
  const { probe } = scope.tree;
  if (probe !== undefined) probe.arrived(scope, at);
  return scope;
}

/** Refuses a wait in a stopped scope: a promise rejected with Cancelled or ScopeClosedError. */
export function refuse(scope: ScopeNode): Promise<never> {
  const { conductor } = scope.tree;
  if (conductor === undefined) return Promise.reject(stopError(scope));
  return new Promise((_, reject) => conductor.wake(scope, () => reject(stopError(scope))));
}

/**
 * The scope of the running code, which may wait.
 *
 * @throws {Cancelled} the scope is cancelled
 * @throws {ScopeClosedError} the scope has ended
 */
export function checkedScope(): ScopeNode {
  const scope = arrive();
  if (scope.stop !== undefined) throw stopError(scope);
  return scope;
}

/** Opens a scope inside that of the running code. */
export function openScope(name: string, isShield = false): ScopeNode {
  const parent = currentScope();
  if (parent.stop === closed) throw stopError(parent);
  return new ScopeNode(parent, parent.tree, name, isShield);
}
