/** What all that we do leaves on the heap and on the process: nothing. */
import { expect, test } from "vitest";
import { runProgram } from "./program.ts";

const patienceMs = 120_000;

/** Does the kinds of things that `kinds` matches so many times each, and returns how many bytes each has left. */
async function leftBy(kinds: string, count: number, context: string): Promise<[string, string][]> {
  // What counting coverage keeps is not ours.
  const unmeasured = { NODE_V8_COVERAGE: "" };
  const variables = { ...unmeasured, HEAP_KINDS: kinds, HEAP_COUNT: `${count}`, TASKWRIGHT_CONTEXT: context };
  const { stdout, stderr } = await runProgram("heap", ["--expose-gc"], variables);
  expect(stderr).toBe("");
  return stdout.map((line) => line.split(": ") as [string, string]);
}

test.concurrent.for(["slot", "storage"])(
  "whatever ends, fails, is cancelled or is given up leaves nothing on the heap, with scopes in the %s",
  { timeout: patienceMs },
  async (context) => {
    const left = await leftBy("", 10_000, context);

    expect(left.pop()).toEqual(["listeners", "0,0,1,1"]);
    expect(left.length).toBe(22);
    // What is kept once, such as a table that has grown or compiled code, is spread over all times. A promise and the
    // functions that settle it are 216.
    expect(left.filter(([, bytes]) => Number(bytes) > 60)).toEqual([]);
  },
);

test.concurrent(
  "of a million tasks, timeouts, and sleeps and tasks that are cancelled, nothing is left",
  { timeout: patienceMs },
  async () => {
    const left = await leftBy("tasks that end|timeouts in time|one by one|together", 1_000_000, "slot");

    expect(left.pop()).toEqual(["listeners", "0,0,1,1"]);
    expect(left.length).toBe(5);
    expect(left.filter(([, bytes]) => Number(bytes) > 2)).toEqual([]);
  },
);
