/** The tests of the core once more: with plain AsyncLocalStorage to carry scopes, and on the next Node. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeOf } from "../package/nodes.ts";
import { root, run } from "../package/tarball.ts";

const vitest = join(root, "node_modules/vitest/vitest.mjs");
const suites = ["src/core", "src/sync", "src/flow", "src/testing"];

/** Runs the suites in a process that knows nothing of this one, and returns what vitest says. */
async function runSuites(node: string, context: string): Promise<string> {
  const script = `Object.assign(process.env, { NO_COLOR: "1", TASKWRIGHT_CONTEXT: ${JSON.stringify(context)} });
    for (const name in process.env) if (/^(VITEST|FORCE_COLOR$)/.test(name)) delete process.env[name];
    process.argv.push("run", "--reporter=default", "--reporter=./scripts/counts-reporter.ts", ...${JSON.stringify(suites)});
    await import(${JSON.stringify(vitest)});`;
  const { stdout, stderr } = await run(node, ["--input-type=module", "--eval", script], root);
  return stdout + stderr;
}

test.concurrent("the core works with plain AsyncLocalStorage", { timeout: 600_000 }, async () => {
  expect(await runSuites(process.execPath, "storage")).toMatch(/\n\d{3,} passed, 0 failed\n/);
});

test.concurrent("the core works on the next Node", { timeout: 600_000 }, async () => {
  const { path } = await nodeOf("node26");

  expect(await runSuites(path, "slot")).toMatch(/\n\d{3,} passed, 0 failed\n/);
});
