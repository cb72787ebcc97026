/** Programs in processes of their own: for signals, exit codes, and what a process waits for. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ProgramName } from "./programs.ts";

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: readonly string[];
  readonly stderr: string;
}

export interface Program {
  /** Waits until the program has written this line. */
  printed(line: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/** Starts one of the programs of programs.ts, with options and variables of its own. */
export function start(name: ProgramName, nodeOptions: readonly string[] = [], variables: object = {}): Program {
  const file = join(import.meta.dirname, "programs.ts");
  const { NODE_OPTIONS: _, ...env } = process.env;
  const options = ["--conditions=taskwright-source", ...nodeOptions, file, name];
  const child = spawn(process.execPath, options, { env: { ...env, ...variables }, stdio: ["ignore", "pipe", "pipe"] });
  const stdout: string[] = [];
  let stderr = "";
  let heard = Promise.withResolvers<void>();
  const stop = new AbortController();
  createInterface(child.stdout).on("line", (line) => {
    stdout.push(line);
    heard.resolve();
    heard = Promise.withResolvers();
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, "close").then(([exitCode]) => {
    stop.abort();
    heard.resolve();
    return { exitCode: exitCode as number | null, stdout, stderr };
  });
  return {
    async printed(line) {
      while (!stdout.includes(line)) {
        if (stop.signal.aborted) throw new Error(`${name} has ended without printing "${line}":\n${stderr}`);
        await heard.promise;
      }
    },
    kill: (signal) => void child.kill(signal),
    ended,
  };
}

/** Runs one of the programs of programs.ts to its end. */
export function runProgram(...given: Parameters<typeof start>): Promise<Ended> {
  return start(...given).ended;
}
