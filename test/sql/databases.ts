import { once } from "node:events";
import { type AddressInfo, type Socket, connect as connectSocket, createServer } from "node:net";
import { type Duplex, PassThrough } from "node:stream";
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

/** Has so many connections opened, all that there may be: so that none is opened later. */
export async function openConnections(db: Database, count: number): Promise<void> {
  const all = await Promise.all(Array.from({ length: count }, () => db.acquire()));
  await Promise.all(all.map((connection) => connection[Symbol.asyncDispose]()));
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

/** Stands between a server and those who connect to it. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Takes connections from now on, and does nothing with them. */
  isDeaf: boolean;
  /** Breaks the connections that are there, each when it is used again. */
  breakOnNext(): void;
}

/**
 * A proxy to `port` of this machine.
 *
 * @param changes - make what stands in the way to the server, or back, for each connection
 */
export async function openProxy(
  port: number,
  changes: { readonly asked?: () => Duplex; readonly answered?: () => Duplex } = {},
): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const incomings = new Set<Socket>();
  const server = createServer((incoming) => {
    sockets.add(incoming);
    incoming.on("error", () => {});
    if (proxy.isDeaf) return;
    incomings.add(incoming);
    const outgoing = connectSocket(port, "127.0.0.1");
    sockets.add(outgoing);
    // Of a server that ends the hard way, as it does with what it has not read, no end comes through a pipe.
    outgoing.on("error", () => incoming.destroy());
    const { asked = () => new PassThrough(), answered = () => new PassThrough() } = changes;
    incoming.pipe(asked()).pipe(outgoing).pipe(answered()).pipe(incoming);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: Proxy = {
    port: (server.address() as AddressInfo).port,
    isDeaf: false,
    breakOnNext: () => {
      for (const incoming of incomings) {
        incoming.unpipe().once("data", () => incoming.destroy());
        incoming.resume();
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}
