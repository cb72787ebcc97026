/** That the command reads lists of any length in the same memory. */
import { once } from "node:events";
import { expect, test } from "vitest";
import { Cli } from "./cli.ts";

/**
 * Tells the most memory that the process had, in kB, as its last words. Not by `resourceUsage()`: that counts what the
 * process was before it became another program, which is a copy of the one that started it.
 */
const tellMemory = `data:text/javascript,${encodeURIComponent(
  `import { readFileSync } from "node:fs";
  process.on("exit", () => process.stderr.write(/VmHWM:\\s+\\d+/.exec(readFileSync("/proc/self/status", "utf8"))[0] + "\\n"));`,
)}`;

/** Reads `count` requests from a pipe, and returns how many were found and the most memory that took, in bytes. */
async function dryRun(
  count: number,
  args: readonly string[],
  line: (index: number) => string,
): Promise<[string, number]> {
  // Coverage keeps a count of its own for all code, which is not what is measured.
  const env = { NODE_OPTIONS: `--import=${tellMemory}`, NODE_V8_COVERAGE: "" };
  const cli = new Cli(["fetch", "--dry-run", ...args], { env, stdin: undefined });
  const stdin = cli.process.stdin!;
  for (let from = 0; from < count; from += 5_000) {
    let lines = "";
    for (let index = from; index < Math.min(count, from + 5_000); index++) lines += line(index);
    if (!stdin.write(lines)) await once(stdin, "drain");
  }
  stdin.end();
  const { stdout, stderr } = await cli.ended;
  return [stdout.split("\n", 1)[0]!, Number(/VmHWM:\s+(\d+)/.exec(stderr)![1]) * 1024];
}

test.each([
  ["urls", [], (index: number) => `https://example.com/item/${index}\n`],
  ["jsonl", [], (index: number) => `{"url":"https://example.com/item/${index}","body":{"n":${index}}}\n`],
  ["csv", ["--template", "https://example.com/{id}"], (index: number) => (index === 0 ? "id\n0\n" : `"${index}"\n`)],
])("2,000,000 lines of %s take no more memory than 100,000", async (_name, args, line) => {
  const [, few] = await dryRun(100_000, args, line);
  const [found, many] = await dryRun(2_000_000, args, line);
  expect(found).toContain("2,000,000 requests to 1 host");
  expect(many).toBeLessThan(250e6);
  expect(many - few).toBeLessThan(50e6);
});
