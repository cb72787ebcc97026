import type { Attempt } from "./attempt.ts";
import { isSuccess } from "./attempt.ts";
import { type DoneSet, badLineHash, requestHash } from "./done-set.ts";
import { type Destination, LineOutput } from "./line-output.ts";
import type { BadLine } from "./line-splitter.ts";
import type { OutputEvents, ResultOutput } from "./result-output.ts";
import { writeBadLine, writeResult } from "./result-line.ts";

export interface JsonLinesOptions {
  readonly destination: Destination;
  /** Whether results have the headers of answers. */
  readonly withHeaders: boolean;
  /** What the destination holds already. Then it is told with each chunk what the lines in it are. */
  readonly done?: DoneSet | undefined;
}

/** A line of JSON for each outcome. */
export class JsonLinesOutput implements ResultOutput {
  readonly done: DoneSet | undefined;
  readonly #withHeaders: boolean;
  readonly #lines: LineOutput;

  constructor({ destination, withHeaders, done }: JsonLinesOptions) {
    this.done = done;
    this.#withHeaders = withHeaders;
    this.#lines = new LineOutput({ destination, isRecorded: done !== undefined });
  }

  get bytes(): number {
    return this.#lines.bytes;
  }

  get waitingBytes(): number {
    return this.#lines.waitingBytes;
  }

  start(events: OutputEvents): void {
    this.#lines.start(events);
  }

  settled(last: Attempt, bodyFile?: string): void {
    if (this.done !== undefined) {
      this.#lines.mark(last.job.index, isSuccess(last) ? "ok" : "failed", requestHash(last.job));
    }
    writeResult(this.#lines, last, this.#withHeaders, bodyFile);
  }

  foundBadLine(bad: BadLine): void {
    if (this.done !== undefined) this.#lines.mark(bad.line, "bad-line", badLineHash);
    writeBadLine(this.#lines, bad);
  }

  end(): Promise<void> {
    return this.#lines.end();
  }

  abandon(): void {
    this.#lines.abandon();
  }
}
