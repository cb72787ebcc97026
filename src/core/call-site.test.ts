import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { callSite } from "./call-site.ts";

const own = fileURLToPath(new URL("scope.ts", import.meta.url));

function errorWith(...frames: readonly string[]): Error {
  return Object.assign(new Error("no"), {
    stack: ["Error: no", ...frames.map((frame) => `    at ${frame}`)].join("\n"),
  });
}

test("the call site is the innermost frame that is neither of this package nor of Node", () => {
  const error = errorWith(
    `ScopeNode.cancel (${own}:1:2)`,
    `file://${own}:3:4`,
    "Array.map (<anonymous>)",
    "process.processTicksAndRejections (node:internal/process/task_queues:105:5)",
    "async work (/home/me/pool.ts:12:5)",
    "main (/home/me/main.ts:1:1)",
  );

  expect(callSite(error)).toBe("work (/home/me/pool.ts:12:5)");
});

test("there is none where only a timer has called, or the error has no stack", () => {
  const { stack: _, ...rest } = new Error("no");
  const timer = errorWith(`RealClock.tick (${own}:1:2)`, "listOnTimeout (node:internal/timers:605:17)");

  expect(callSite(timer)).toBeUndefined();
  expect(callSite(rest as Error)).toBeUndefined();
});

test.for(["core", "sync", "flow"])(
  "nothing in %s needs import.meta, which a program bundled into a script has not",
  async (module) => {
    const folder = join(import.meta.dirname, "..", module);
    const files = (await readdir(folder)).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
    const sources = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));

    expect(files.filter((_, index) => /import\.meta\./.test(sources[index]!))).toEqual([]);
    expect(files).not.toEqual([]);
  },
);
