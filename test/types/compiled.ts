/** What the tests of types have in common. */
import { expect } from "vitest";
import type { Scope, Task, TaskGroup } from "taskwright";

/** What a test may use that only comes into being when something runs. */
interface Given {
  readonly group: TaskGroup;
  readonly scope: Scope;
  readonly task: Task<number>;
  readonly error: unknown;
}

/** For the compiler alone: the body is never called. */
export function compiled(body: (given: Given) => unknown): void {
  expect(body).toBeTypeOf("function");
}

/** Takes a `T`, and nothing else. */
export function wants<T>(value: T): T {
  return value;
}
