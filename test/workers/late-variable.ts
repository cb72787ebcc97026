/** A variable in a module that a worker loads with the first call that uses it. */
import { ContextVar } from "taskwright";

export const late: ContextVar<string> = new ContextVar<string>("late");

export function seeLate(): string | undefined {
  return late.get();
}
