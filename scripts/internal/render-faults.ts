/** Turns the fault table, which the tests hold to be true, into a page for readers. */
import { format } from "oxfmt";
import {
  type Ending,
  type FaultGroup,
  type FaultRow,
  fetchAttempts,
  fetchCode,
  fetchEnding,
  fetchPausesMs,
  nextConnection,
  sessionAttempts,
} from "../../test/faults/fault-row.ts";

const intro = `<!-- Written by \`npm run docs\` from test/faults/fault-table.ts: change that. -->

# What becomes of faults

What servers do wrong, and what a request comes to then. Each line is a test, over real sockets, with the
[servers that misbehave](fault-server.md) of \`taskwright/testing\`: what stands in the first column is for the scripts of
those. Nothing hangs, nothing is left open, and no answer reaches a request that is not its own.

- \`session.get\` is a request of a [session](http.md) with its default settings, whose body is read to the end. Where it says
  "then", the request is answered and reading the body fails; what is [read on](http.md#retries) after that does not show.
  \`retry: false\` leaves out all but the first attempt.
- \`fetch\` is [\`taskwright fetch\` and \`fetchAll\`](fetch.md), where a request is not over before all of its answer is there:
  the \`code\` of the \`error\` in the result, and the \`status\` beside it where there was one. Told to follow redirects and to
  decompress (\`--location\`, \`--compressed\`), it ends as \`session.get\` does.
- \`connection\` says what becomes of the connection: "kept" for the next request, "closed", or "lost" together with the next
  request, which is then made up for at once.

Requests are GETs unless it says otherwise. What the codes mean stands in [Errors](errors.md), what is asked again in
[Retries](http.md#retries) and [Attempts](fetch.md#attempts). The system has a say in some of it: the code of a connection
that was reset is that of Linux.
`;

/** @throws {Error} the table makes no Markdown */
export async function renderFaults(table: readonly FaultGroup[]): Promise<string> {
  const page = [intro, ...table.map(renderGroup)].join("\n");
  const formatted = await format("faults.md", page, { printWidth: 120 });
  const [error] = formatted.errors;
  if (error !== undefined) throw new Error(`faults.md cannot be formatted: ${error.message}`);
  return formatted.code;
}

function renderGroup({ title, rows }: FaultGroup): string {
  const lines = rows.map(
    (row) => `| ${[faultCell(row), sessionCell(row), fetchCell(row), connectionCell(row)].join(" | ")} |`,
  );
  return [
    `## ${title}`,
    "",
    "| the server ... | `session.get` | `fetch` | connection |",
    "| --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

function faultCell({ fault, does }: FaultRow): string {
  return `${does}: ${code(fault)}`;
}

function sessionCell(row: FaultRow): string {
  const { note, pausesMs, ends: alone, retried: ends = alone } = row;
  if (pausesMs !== undefined) return paused(pausesMs);
  const { status, phase, causeCode } = ends;
  const said = [ends.code, phase === "response" ? undefined : phase, cause(causeCode)].filter(
    (part) => part !== undefined,
  );
  const failure = said.map(code).join(", ");
  const words = { never: String(status), get: failure, body: `${status}, then ${failure}` }[ends.fails];
  return words + times(sessionAttempts(row) / (row.requests ?? 1)) + (note === undefined ? "" : `: ${note}`);
}

function fetchCell(row: FaultRow): string {
  const pausesMs = fetchPausesMs(row);
  if (pausesMs !== undefined) return paused(pausesMs);
  const ends = fetchEnding(row);
  return describeResult(ends) + times(fetchAttempts(row));
}

function describeResult(ends: Ending): string {
  if (ends.fails === "never") return String(ends.status);
  const { status } = ends;
  return code(fetchCode(ends) ?? "") + (status === undefined ? "" : `, ${code(`status: ${status}`)}`);
}

function connectionCell(row: FaultRow): string {
  const isFirst = row.ends.phase === "connect" || row.isProxy === true;
  return isFirst ? "" : { same: "kept", new: "closed", lost: "lost" }[nextConnection(row)];
}

function paused(ms: number): string {
  const howLong = ms === 0 ? "longer each time" : `for ${ms / 1_000} s`;
  return `leaves the host alone, ${howLong}, and asks again; no attempt is used up`;
}

/** Those of the library below say nothing to readers. */
function cause(causeCode: string | undefined): string | undefined {
  return /^(?:UND|HPE)_/.test(causeCode ?? "") ? undefined : causeCode;
}

function times(attempts: number): string {
  return attempts === 1 ? "" : `, after ${attempts} attempts`;
}

function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}
