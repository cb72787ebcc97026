/**
 * Runs the command on a terminal, as people do: `script` of util-linux makes one. It is in every Debian and Ubuntu, and
 * needs nothing that would have to be compiled.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Screen } from "./screen.ts";

const command = fileURLToPath(new URL("../bin/taskwright.js", import.meta.url));

export interface TerminalOptions {
  readonly columns?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** The command in a terminal window. */
export class Terminal {
  readonly process: ChildProcess;
  readonly screen: Screen;
  /** All that was written to the terminal. */
  text = "";
  /** Its exit code, when the window is closed. */
  readonly ended: Promise<number | null>;
  #device = "";
  #changed = Promise.withResolvers<void>();

  constructor(args: readonly string[], options: TerminalOptions = {}) {
    const { columns = 80, env = {}, cwd } = options;
    this.screen = new Screen(columns);
    const words = [process.execPath, command, ...args].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
    const line = `tty; stty cols ${columns} rows 24; exec ${words.join(" ")}`;
    this.process = spawn("script", ["-qec", line, "/dev/null"], {
      cwd,
      env: {
        ...process.env,
        NODE_OPTIONS: "",
        TERM: "xterm-256color",
        LANG: "C.UTF-8",
        LC_ALL: "",
        NO_COLOR: "",
        // Where CI is set, Node believes in no colours.
        CI: undefined,
        ...env,
      },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.process.stdout!.setEncoding("utf8").on("data", (text: string) => this.#take(text));
    this.ended = once(this.process, "close").then(([code]) => code as number | null);
  }

  /** Waits until `text` has been written. */
  async says(text: string): Promise<void> {
    while (!this.text.includes(text)) await this.#changed.promise;
  }

  /** Waits until the screen is as wanted, and returns its rows. */
  async shows(isWanted: (rows: readonly string[]) => boolean): Promise<string[]> {
    while (!isWanted(this.screen.rows)) await this.#changed.promise;
    return this.screen.rows;
  }

  /** Presses keys: `\u0003` is Ctrl-C. */
  press(keys: string): void {
    this.process.stdin!.write(keys);
  }

  /** Sends a signal to the command, which is what `script` has started. */
  kill(signal: NodeJS.Signals): void {
    const { pid } = this.process;
    process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")), signal);
  }

  resize(columns: number): void {
    this.screen.columns = columns;
    execFileSync("stty", ["-F", this.#device, "cols", String(columns)]);
  }

  #take(text: string): void {
    let rest = text;
    if (this.#device === "") {
      const [first, device] = /^(\S+)\r\n/.exec(this.text + text) ?? [];
      if (first === undefined || device === undefined) return void (this.text += text);
      this.#device = device;
      rest = (this.text + text).slice(first.length);
      this.text = "";
    }
    this.text += rest;
    this.screen.write(rest);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
