/** Runs the command `taskwright` as a process, as its users do. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("../bin/taskwright.js", import.meta.url));

/** Requests go straight to the servers of the tests, whatever the machine is told to do. */
const noProxies: Record<string, string> = Object.fromEntries(
  ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]
    .flatMap((name) => [name, name.toUpperCase()])
    .map((name) => [name, ""]),
);

/** How a run of the command ended. */
export interface CliEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Written to standard input, which is closed then; undefined leaves it open. @default "" */
  readonly stdin?: string | Buffer | undefined;
  /** Whether somebody takes what it writes to standard output. @default true */
  readonly isRead?: boolean;
  /** A file descriptor to use as standard output. */
  readonly stdout?: number;
  /** Files that it writes cannot grow beyond this. */
  readonly maxFileBytes?: number;
}

/** A running command. */
export class Cli {
  readonly process: ChildProcess;
  /** When it has ended, and all that it wrote has been read. */
  readonly ended: Promise<CliEnd>;
  /** When it has ended, with what was read by then. */
  readonly exited: Promise<CliEnd>;
  stdout = "";
  stderr = "";
  #changed = Promise.withResolvers<void>();

  constructor(args: readonly string[], options: CliOptions = {}) {
    const { cwd, env, stdin, stdout, maxFileBytes, isRead } = { stdin: "", isRead: true, ...options };
    const limit = maxFileBytes === undefined ? "unlimited" : String(maxFileBytes / 512);
    // A report of coverage would be cut off as well.
    const coverage = maxFileBytes === undefined ? {} : { NODE_V8_COVERAGE: "" };
    const start = ["-c", `ulimit -f ${limit}; exec "$0" "$@"`, process.execPath, command];
    this.process = spawn("/bin/sh", [...start, ...args], {
      cwd,
      env: { ...process.env, ...noProxies, ...coverage, NODE_OPTIONS: "", NO_COLOR: "1", ...env },
      stdio: ["pipe", stdout ?? "pipe", "pipe"],
    });
    if (isRead) this.process.stdout?.setEncoding("utf8").on("data", (text: string) => this.#take("stdout", text));
    this.process.stderr!.setEncoding("utf8").on("data", (text: string) => this.#take("stderr", text));
    this.process.stdin!.on("error", () => {}); // A command that fails early does not read it.
    if (stdin !== undefined) this.process.stdin!.end(stdin);
    this.ended = this.#endOn("close");
    this.exited = this.#endOn("exit");
  }

  /** Waits until `text` has appeared on standard error. */
  async says(text: string): Promise<void> {
    while (!this.stderr.includes(text)) await this.#changed.promise;
  }

  /** Waits until there is a line on standard output. */
  async writesLine(): Promise<void> {
    while (!this.stdout.includes("\n")) await this.#changed.promise;
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  #take(stream: "stdout" | "stderr", text: string): void {
    this[stream] += text;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #endOn(event: "close" | "exit"): Promise<CliEnd> {
    const [code, signal] = (await once(this.process, event)) as [number | null, NodeJS.Signals | null];
    return { code, signal, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Runs the command to its end. */
export function runCli(args: readonly string[], options?: CliOptions): Promise<CliEnd> {
  return new Cli(args, options).ended;
}

/** A folder that is gone at the end of the block. */
export class TemporaryFolder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "taskwright-test-"));

  at(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
