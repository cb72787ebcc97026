import { expect, test } from "vitest";
import { inheritedExecArgv, threadExecArgv } from "./exec-argv.ts";

test("processes have the flags of their parent, but for its program, its tests and its debugger", () => {
  const own = ["--inspect=0", "--inspect-brk", "--test", "--test-isolation=none", "--input-type=module"];
  for (const program of [
    ["-e", "go()"],
    ["--eval", "go()"],
    ["--eval=go()"],
    ["-p", "1"],
    ["-pe", "1"],
    ["--print=1"],
  ]) {
    const flags = ["--expose-gc", ...own, "--conditions=x", ...program, "--import", "./hooks.js"];

    expect(inheritedExecArgv(flags)).toEqual(["--expose-gc", "--conditions=x", "--import", "./hooks.js"]);
  }
});

test("threads have theirs from Node, unless it is about text that they do not run", () => {
  expect(threadExecArgv(["--inspect=0", "--expose-gc", "-e", "go()"])).toBeUndefined();
  expect(threadExecArgv(["--conditions=x", "--input-type=module", "--eval", "go()"])).toEqual(["--conditions=x"]);
});
