import { type ConnectOptions, type Database, connect } from "../../src/sql/index.ts";
import type { Postgres } from "./postgres.ts";

let made = 0;

/** A database of its own on `server`, with connections to it. It goes with the server. */
export async function freshDatabase(server: Postgres, options?: ConnectOptions): Promise<Database> {
  const name = `taskwright_${process.pid}_${++made}`;
  server.databases.add(name);
  await using admin = await connect(server.url());
  await admin.execute(`create database ${name}`);
  return await connect(server.url(name), options);
}

/** Queries that run at the server of `db`, other than the one that asks. */
export async function runningQueries(db: Database): Promise<string[]> {
  const rows = await db.fetch<{ query: string }>(
    "select query from pg_stat_activity where state <> 'idle' and pid <> pg_backend_pid() and backend_type = 'client backend'",
  );
  return rows.map(({ query }) => query);
}

/** A promise that takes as long as something outside needs: until `isTrue` says so. Gives up after ten seconds. */
export async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (const untilMs = Date.now() + 10_000; !(await isTrue());) {
    if (Date.now() > untilMs) throw new Error("It has not come about within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
