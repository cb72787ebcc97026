import type { ScopeNode } from "./scope.ts";

/** What a checkpoint gives that has no need to wait. Under test others may go on before, as if it had waited. */
export function grant<T>(scope: ScopeNode, value: T): Promise<T> {
  const { conductor } = scope.tree;
  if (conductor === undefined) return Promise.resolve(value);
  return new Promise<T>((resolve) => conductor.wake(scope, () => resolve(value)));
}
