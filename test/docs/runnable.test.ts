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

test("every example is listed here", async () => {
  expect(await readdir(join(root, "examples"))).toEqual(Object.keys(says));
});

test.for(Object.entries(says))("examples/%s runs", { timeout: 60_000 }, async ([name, output]) => {
  const { stdout, stderr } = await run(
    process.execPath,
    ["--conditions=taskwright-source", join(root, "examples", name)],
    { timeout: 50_000 },
  );

  expect(stderr).toBe("");
  expect(stdout).toBe(output);
});
