import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../../test/sql/postgres.ts";
import { run } from "../../core/index.ts";
import { connect } from "../../sql/index.ts";
import { BadLine } from "../input/line-splitter.ts";
import { identityOf } from "../journal/job-identity.ts";
import { PostgresOutput } from "./postgres-output.ts";

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres({ isOwn: true });
});
afterAll(() => server[Symbol.asyncDispose]());

const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });
const job = identityOf({ method: undefined, headers: [], body: undefined, form: {} });
const lost = "the table: the connection was lost, results wait until it is there again";

function open(table: string, patienceMs?: number): Promise<PostgresOutput> {
  // No fewer seconds are taken.
  const url = `${server.url()}?connect_timeout=2`;
  const patience = patienceMs === undefined ? {} : { patienceMs };
  const settings = { start: "auto", retriesFailed: false, withHeaders: false, ...patience } as const;
  return PostgresOutput.open({ url, name: "the table", table, job, ...settings });
}

/** What is told of it, in order. */
function startTelling(output: PostgresOutput): string[] {
  const told: string[] = [];
  output.start({
    onFull: () => told.push("full"),
    onReady: () => told.push("ready"),
    onError: (error) => told.push(String(error)),
    onTrouble: (message) => told.push(message),
  });
  return told;
}

const line = (number: number): BadLine => new BadLine(number, "wrong");

test("waits for a server that is away, holds back what comes meanwhile, and writes it when it is there again", () =>
  inTree(async () => {
    const output = await open("patient");
    const told = startTelling(output);
    output.foundBadLine(line(1));
    await eventually(() => output.waitingBytes === 0);
    await server.kill();
    for (let number = 2; number <= 100_000; number++) output.foundBadLine(line(number));
    await eventually(() => told.length === 2);
    expect(told).toEqual(["full", lost]);
    await server.start();
    await output.end();
    expect(told.slice(2)).toEqual(["the table: connected again", "ready"]);
    expect(output.waitingBytes).toBe(0);
    await using db = await connect(server.url());
    expect(await db.fetchRow("select count(*), min(number), max(number) from patient")).toEqual({
      count: 100_000,
      min: 1,
      max: 100_000,
    });
  }));

test("gives up on a server that does not come back, and keeps what is in the table", () =>
  inTree(async () => {
    const output = await open("impatient", 1);
    const told = startTelling(output);
    output.foundBadLine(line(1));
    await eventually(() => output.waitingBytes === 0);
    await server.kill();
    output.foundBadLine(line(2));
    await expect(output.end()).rejects.toThrow(/no connection to .*ECONNREFUSED/);
    expect(told).toEqual([lost, expect.stringContaining("ECONNREFUSED")]);
    // It takes nothing more.
    output.foundBadLine(line(3));
    await server.start();
    const again = await open("impatient");
    expect(again.done.counts).toEqual({ succeeded: 0, failed: 1, badLines: 1 });
    await again.end();
  }));
