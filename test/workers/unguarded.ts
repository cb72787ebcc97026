/** A module that calls its own task as it is loaded: also in the thread that loads it to find the task. */
import { cpu } from "taskwright/workers";

const double: (n: number) => Promise<number> = cpu(function double(n: number): number {
  return n * 2;
});

export const doubled: number = await double(21);
