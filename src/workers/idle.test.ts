import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("../../test/workers/idle.ts", import.meta.url));

test.for(["threads", "processes"])("idle %s do not keep a process alive, and what they say is heard", async (kind) => {
  const args = ["--conditions=taskwright-source", program, kind];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);

  // Those that had kept it alive until they ended would be none by then.
  expect(stdout).toBe("1 left\n");
  expect(stderr).toBe("heard\n");
});
