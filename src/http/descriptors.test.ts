import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { httpServer } from "../../test/http-server.ts";

/** A program that asks for 300 things at once, and prints how that went. */
const program = `
  const { openSession } = await import("./src/http/index.ts");
  await using session = openSession({ limit: 300, retry: false, timeout: { connectMs: 10_000 } });
  await (await session.get(process.argv[1])).text();
  const ask = async () => (await session.get(process.argv[1], { headers: { connection: "close" } })).text();
  const outcomes = await Promise.allSettled(Array.from({ length: 300 }, ask));
  const failed = outcomes.filter(({ status }) => status === "rejected").map(({ reason }) => reason.message);
  console.log(outcomes.length - failed.length, failed[0] ?? "none failed", session.statistics().active);
`;

test("requests wait for descriptors where the process has fewer than it wants connections", async () => {
  await using server = await httpServer((_request, response) => {
    setImmediate(() => void response.end("x"));
  });
  const node = ["--conditions=taskwright-source", "--input-type=module", "-e", program, server.origin];
  const limited = ["-c", 'ulimit -n 80; exec "$0" "$@"', process.execPath, ...node];
  const { stdout } = await promisify(execFile)("sh", limited);
  expect(stdout.trim()).toBe("300 none failed 0");
});
