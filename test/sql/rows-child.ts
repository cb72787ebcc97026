/**
 * Copies so many rows into a database and reads them out again, and prints the most memory that the process has taken, in MiB:
 * `node rows-child.ts <url> <count>`. Linux only.
 */
import { readFileSync } from "node:fs";
import { run } from "taskwright";
import { type Database, connect } from "taskwright/sql";

const [url, count] = process.argv.slice(2) as [string, string];

async function* source(): AsyncGenerator<readonly unknown[]> {
  for (let index = 0; index < Number(count); index++) yield [index, `name ${index}`, index / 7, "x".repeat(50)];
}

async function sumOf(rows: AsyncIterable<{ readonly id: number }>): Promise<number> {
  let sum = 0;
  for await (const { id } of rows) sum += id;
  return sum;
}

async function linesOf(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let lines = 0;
  for await (const piece of pieces) for (const byte of piece) if (byte === 10) lines++;
  return lines;
}

/** Not by `resourceUsage()`: that counts what the process was before it became another program. */
function peakMebibytes(): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"))![1]) / 1024;
}

async function inAndOut(db: Database): Promise<void> {
  await db.execute("drop table if exists rows_in_and_out");
  await db.execute("create table rows_in_and_out (id integer, name text, score double precision, more text)");
  const copied = await db.copyInto("rows_in_and_out", ["id", "name", "score", "more"], source());
  const sum = await sumOf(db.stream("select * from rows_in_and_out"));
  const lines = db.dialect === "postgres" ? await linesOf(db.copyFrom("rows_in_and_out")) : copied;
  await db.execute("drop table rows_in_and_out");
  if (copied !== Number(count) || lines !== copied || sum !== (copied * (copied - 1)) / 2)
    throw new Error(`rows are missing: ${copied} copied, ${lines} lines, ${sum} summed up`);
}

await run(async () => {
  await using db = await connect(url, { synchronous: "off" });
  await inAndOut(db);
  console.log(peakMebibytes());
});
