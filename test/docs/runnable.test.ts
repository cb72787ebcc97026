/** Each file in examples/ runs to its end, and says what it is expected to say. */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root } from "./snippets.ts";

const run = promisify(execFile);

const says: Record<string, string> = {
  "fetch-list.ts": "INVALID_REQUEST: 1\nstatus 200: 1800\nstatus 404: 200\n",
  "many-requests.ts": "1000 answered, 100 of them at the second attempt\n",
  "pipeline.ts": "5000 visits of 7 pages\n",
  "queue-and-workers.ts": "20 jobs done by three workers\n",
  "threads.ts": "9592 primes below 100000\ntimeout did not end within 50 ms\n",
};

/** What it says depends on the machine. */
const ofItsOwn = "which-tool.ts";

test("every example is listed here", async () => {
  const programs = (await readdir(join(root, "examples"))).filter((name) => name.endsWith(".ts"));
  expect(programs).toEqual([...Object.keys(says), ofItsOwn]);
});

test.for(Object.entries(says))("examples/%s runs", async ([name, output]) => {
  const { stdout, stderr } = await run(
    process.execPath,
    ["--conditions=taskwright-source", join(root, "examples", name)],
    { timeout: 250_000 },
  );

  expect(stderr).toBe("");
  expect(stdout).toBe(output);
});

test("examples/which-tool.ts does the same with each tool, and says which took how long", async () => {
  const program = join(root, "examples", ofItsOwn);
  const { stdout, stderr } = await run(process.execPath, ["--conditions=taskwright-source", program, "--small"]);
  const times = String.raw`( +(\* )?[\d.,]+ ms){4}`;

  expect(stderr).toBe("");
  expect(stdout).toMatch(
    new RegExp(`^Node .* processes\nrequests ${times}\nblocking calls ${times}\nsums ${times}$`, "m"),
  );
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("examples/which-tool.ts says how it is used, and what it does not know", async () => {
  const args = ["--conditions=taskwright-source", join(root, "examples", ofItsOwn)];
  const help = await run(process.execPath, [...args, "--help"]);

  expect(help.stdout).toContain("Usage: which-tool [--small] [--no-python]");
  const refused = run(process.execPath, [...args, "--big"]);
  await expect(refused).rejects.toMatchObject({ code: 2, stdout: "" });
  await expect(refused).rejects.toThrow(/'--big'[^]*Usage: which-tool/);
});
