/** What the table says of `fetch` is what the command writes: all rows at once, in one run of it. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FaultServer, faults, openFaultServer } from "../../src/testing/index.ts";
import { TemporaryFolder, runCli } from "../cli.ts";
import { type FaultRow, fetchCode, fetchEnding, fetchPausesMs, isCounted } from "./fault-row.ts";
import { faultTable } from "./fault-table.ts";
import { openScene } from "./meet-fault.ts";

interface Result {
  readonly id: number;
  readonly ok: boolean;
  readonly status?: number;
  readonly attempts: number;
  readonly error?: { readonly code: string; readonly message: string; readonly status?: number };
}

const rows = faultTable
  .flatMap((group) => group.rows)
  .filter((row) => isCounted(row) && row.isProxy !== true && fetchPausesMs(row) === undefined);

/** Runs the command with a line for each of `asked`, and reads what it has written. */
async function fetchRows(asked: readonly FaultRow[], ...flags: string[]): Promise<readonly Result[]> {
  using folder = new TemporaryFolder();
  await using scenes = new AsyncDisposableStack();
  const [input, output, authorities] = ["in.jsonl", "out.jsonl", "ca.pem"].map((name) => folder.at(name)) as [
    string,
    string,
    string,
  ];
  const lines: string[] = [];
  for (const [id, row] of asked.entries()) {
    const scene = scenes.use(await openScene(row, "always"));
    lines.push(JSON.stringify({ id, url: scene.url, ...row.request }));
  }
  writeFileSync(input, `${lines.join("\n")}\n`);
  writeFileSync(authorities, await authority());
  const settings = ["--retry", "0", "--max-filesize", "1000000", "--cacert", authorities];
  const { code, stderr } = await runCli(["fetch", "-i", input, "-o", output, ...settings, ...flags]);
  expect({ code, stderr }).toMatchObject({ code: 1 });
  const results = readFileSync(output, "utf8").split("\n").slice(0, -1);
  return results.map((line) => JSON.parse(line) as Result).toSorted((a, b) => a.id - b.id);
}

/** The same for all servers of this process. */
async function authority(): Promise<string> {
  await using server: FaultServer = await openFaultServer(faults.ok());
  return server.authority;
}

function expectedResult(row: FaultRow, id: number): object {
  const ends = fetchEnding(row);
  const { status } = ends;
  if (ends.fails === "never") return { id, ok: status! < 400, status, attempts: 1, error: undefined };
  return { id, ok: false, status: undefined, attempts: 1, error: { code: fetchCode(ends), status } };
}

const isLate = (row: FaultRow): boolean => fetchEnding(row).code === "HTTP_TIMEOUT";
const isHttp2 = ({ server }: FaultRow): boolean => server?.http2 === true;

test.each([
  ["HTTP/1 and TLS", rows.filter((row) => !isHttp2(row) && !isLate(row)), ["--timeout", "60s"]],
  ["HTTP/1 and TLS, too late", rows.filter((row) => !isHttp2(row) && isLate(row)), ["--timeout", "1s"]],
  ["HTTP/2", rows.filter((row) => isHttp2(row) && !isLate(row)), ["--http2-prior-knowledge", "--timeout", "60s"]],
  [
    "HTTP/2, too late",
    rows.filter((row) => isHttp2(row) && isLate(row)),
    ["--http2-prior-knowledge", "--timeout", "1s"],
  ],
] as const)("the command writes of each fault what the table says: %s", async (_, asked, flags) => {
  const results = await fetchRows(asked, ...flags);

  const seen = results.map(({ id, ok, status, attempts, error }) => {
    return { id, ok, status, attempts, error: error && { code: error.code, status: error.status } };
  });
  expect(seen).toEqual(asked.map(expectedResult));
});
