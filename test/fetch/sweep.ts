/** Jobs of `taskwright fetch` that are killed and gone on with, and what must be true of them. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { Cli, type CliEnd, type TemporaryFolder } from "../cli.ts";
import type { TestServer } from "../http-server.ts";
import { JournalFile } from "../../src/fetch/journal/journal-file.ts";

/** Numbers from 0 up to 1 that follow from a seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    // Mulberry32.
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a job's requests are answered with, and what was asked and answered. */
export class SweptRequests {
  /** Whether `/flaky` ones fail. */
  isDown = true;
  /** Requests that came, by the number of their line, in the run that is under way. */
  asked: number[] = [];
  /** Requests answered in all runs, so that nothing is left to send. */
  answered = 0;
  #onAnswered: (() => void) | undefined;

  readonly answer = (request: IncomingMessage, response: ServerResponse): void => {
    const [, kind, line] = request.url!.split("/") as [string, string, string];
    this.asked.push(Number(line));
    response.on("finish", () => {
      this.answered++;
      this.#onAnswered?.();
    });
    if (kind === "missing" || (kind === "flaky" && this.isDown)) response.statusCode = 404;
    const body = `${line}-äöü-`.repeat(kind === "huge" ? 50_000 : kind === "large" ? 2_000 : 30);
    setTimeout(() => response.end(body), Number(line) % 4);
  };

  /** When `count` more have been answered. */
  async untilAnswered(count: number): Promise<void> {
    const goal = this.answered + count;
    await new Promise<void>((resolve) => {
      this.#onAnswered = () => {
        if (this.answered >= goal) resolve();
      };
    });
  }
}

/** Lines to ask: most are answered, some with much, some with 404, and some are no requests. */
function requestLines(server: TestServer, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const line = index + 1;
    if (line % 37 === 0) return "no request";
    const kind =
      line % 53 === 0
        ? "huge"
        : line % 7 === 0
          ? "large"
          : line % 11 === 0
            ? "missing"
            : line % 5 === 0
              ? "flaky"
              : "small";
    return server.url(`/${kind}/${line}`);
  });
}

interface Result {
  readonly id: number;
  readonly ok: boolean;
  timings?: unknown;
}

/** One file of results and its way to completion. */
export class SweptJob {
  readonly results: string;
  /** How often it was killed. */
  kills = 0;
  readonly #server: TestServer;
  readonly #requests: SweptRequests;
  readonly #args: readonly string[];
  /** Whether the next run has to complete what `--retry-failed` had begun. */
  #isReplacing = false;
  /** What is in the results since the last run, so that it may not be asked in the next. */
  #kept: ReadonlyMap<number, boolean> = new Map<number, boolean>();

  constructor(folder: TemporaryFolder, server: TestServer, requests: SweptRequests, lineCount: number) {
    this.results = folder.at("results.jsonl");
    this.#server = server;
    this.#requests = requests;
    writeFileSync(folder.at("lines"), requestLines(server, lineCount).join("\n"));
    this.#args = ["fetch", "-i", folder.at("lines"), "-o", this.results, "--per-host", "20", "--retry", "0", "-q"];
  }

  /** Runs to the end. */
  async run(...flags: string[]): Promise<CliEnd> {
    this.#requests.asked = [];
    const end = await new Cli([...this.#args, ...flags]).ended;
    this.#check(this.#isReplacing || flags.includes("--retry-failed"));
    this.#isReplacing = false;
    return end;
  }

  /**
   * Runs until `moment`, and kills it there, unless it has come to its end.
   *
   * @param share - how much is left of what the file has that was not synced: a process that is killed while it writes
   *   leaves it so, but writes are quick
   */
  async runUntil(moment: (job: SweptJob) => Promise<void>, share: number, ...flags: string[]): Promise<void> {
    this.#requests.asked = [];
    const bytesBefore = sizeOf(this.results);
    const cli = new Cli([...this.#args, ...flags]);
    await Promise.race([moment(this), cli.exited]);
    cli.kill("SIGKILL");
    const { signal, code, stderr } = await cli.ended;
    // What it had sent may still be on its way in.
    await this.#server.untilClosed();
    if (signal === "SIGKILL") this.kills++;
    else assert.deepEqual({ code, stderr }, { code: 1, stderr: "" });
    const failedMayGo = this.#isReplacing || flags.includes("--retry-failed");
    if (signal === "SIGKILL") this.#tear(share, bytesBefore);
    this.#check(failedMayGo);
  }

  #tear(share: number, bytesBefore: number): void {
    if (!JournalFile.exists(this.results)) return;
    const journal = JournalFile.open(this.results);
    const { state } = journal;
    journal.close();
    this.#isReplacing = state?.isReplacing === true;
    if (state === undefined || this.#isReplacing) return;
    const size = sizeOf(this.results);
    const whole = Math.max(state.syncedBytes, bytesBefore);
    if (size > whole) truncateSync(this.results, Math.ceil(whole + share * (size - whole)));
  }

  /** Nothing that was there has been asked again, lost or doubled, and every line is one. */
  #check(failedMayGo: boolean): void {
    const results = this.read();
    const byId = new Map(results.map(({ id, ok }) => [id, ok]));
    assert.equal(byId.size, results.length, "a result is doubled");
    const mayGo = (id: number): boolean => !this.#kept.has(id) || (failedMayGo && this.#kept.get(id) === false);
    assert.deepEqual(
      this.#requests.asked.filter((id) => !mayGo(id)),
      [],
      "asked again what has its result",
    );
    assert.deepEqual(
      [...this.#kept.keys()].filter((id) => !byId.has(id) && !mayGo(id)),
      [],
      "a result is lost",
    );
    assert.equal(new Set(this.#requests.asked).size, this.#requests.asked.length, "asked twice in one run");
    this.#kept = byId;
  }

  /** What is in the results, but for part of a line at the end, which only a process that was killed leaves. */
  read(): Result[] {
    if (!existsSync(this.results)) return [];
    const lines = readFileSync(this.results, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Result);
  }

  /** The results that do not depend on time, in the order of the input. */
  get lasting(): unknown[] {
    assert(readFileSync(this.results, "utf8").endsWith("\n"), "part of a line is left");
    return this.read()
      .map((result) => ({ ...result, timings: undefined }))
      .toSorted((a, b) => a.id - b.id);
  }
}

/** When something has become of a file beyond what it was, looked at as often as can be. */
export async function untilChanged(path: string): Promise<void> {
  const before = versionOf(path);
  while (versionOf(path) === before) await turn();
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function versionOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stats === undefined ? "" : `${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}
