/** Node's own test runner runs the same file as vitest does, for real. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

test("the planted bugs are found under node --test as they are under vitest", async () => {
  const { NODE_OPTIONS: _options, VITEST: _vitest, ...env } = process.env;
  const file = join(import.meta.dirname, "planted.test.ts");
  const { stdout } = await run(
    process.execPath,
    ["--test", "--test-reporter=tap", "--conditions=taskwright-source", file],
    { env, timeout: 250_000 },
  );

  expect(stdout).toMatch(/^# pass 6$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});
