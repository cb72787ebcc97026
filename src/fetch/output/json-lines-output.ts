import type { Attempt } from "../engine/attempt.ts";
import { isSuccess } from "../engine/attempt.ts";
import { type DoneSet, badLineHash, requestHash } from "../journal/done-set.ts";
import { type Destination, LineOutput } from "./line-output.ts";
import type { BadLine } from "../input/line-splitter.ts";
import { writeOpenaiBadLine, writeOpenaiResult } from "./openai-result.ts";
import type { OutputEvents, ResultOutput } from "./result-output.ts";
import { writeBadLine, writeResult } from "./result-line.ts";

/** How results are written: our own lines, or those of OpenAI's batches. */
export type OutputFormat = "jsonl" | "openai-batch";

/** What results look like. */
export interface LineForm {
  /** Whether results have the headers of answers. */
  readonly withHeaders: boolean;
  /** How lines are written. @default "jsonl" */
  readonly format?: OutputFormat | undefined;
  /** Whether only what is not ok has a line. @default false */
  readonly onlyFailed?: boolean;
}

export interface JsonLinesOptions extends LineForm {
  readonly destination: Destination;
  /** What the destination holds already. Then it is told with each chunk what the lines in it are. */
  readonly done?: DoneSet | undefined;
  /** How long the results were before. @default 0 */
  readonly bytesBefore?: number;
}

/** A line of JSON for each outcome. */
export class JsonLinesOutput implements ResultOutput {
  readonly done: DoneSet | undefined;
  readonly #bytesBefore: number;
  readonly #withHeaders: boolean;
  readonly #format: OutputFormat;
  readonly #onlyFailed: boolean;
  readonly #lines: LineOutput;

  constructor(options: JsonLinesOptions) {
    const { destination, withHeaders, format = "jsonl", onlyFailed = false, done, bytesBefore = 0 } = options;
    this.#bytesBefore = bytesBefore;
    this.#format = format;
    this.#onlyFailed = onlyFailed;
    this.done = done;
    this.#withHeaders = withHeaders;
    this.#lines = new LineOutput({ destination, isRecorded: done !== undefined });
  }

  get bytes(): number {
    return this.#bytesBefore + this.#lines.bytes;
  }

  get waitingBytes(): number {
    return this.#lines.waitingBytes;
  }

  start(events: OutputEvents): void {
    this.#lines.start(events);
  }

  settled(last: Attempt, bodyFile?: string): void {
    const isOk = isSuccess(last);
    if (this.done !== undefined) this.#lines.mark(last.job.index, isOk ? "ok" : "failed", requestHash(last.job));
    if (isOk && this.#onlyFailed) this.#lines.endNothing();
    else if (this.#format === "jsonl") writeResult(this.#lines, last, this.#withHeaders, bodyFile);
    else writeOpenaiResult(this.#lines, last, bodyFile);
  }

  foundBadLine(bad: BadLine): void {
    if (this.done !== undefined) this.#lines.mark(bad.index, "bad-line", badLineHash);
    if (this.#format === "jsonl") writeBadLine(this.#lines, bad);
    else writeOpenaiBadLine(this.#lines, bad);
  }

  end(): Promise<void> {
    return this.#lines.end();
  }

  abandon(): void {
    this.#lines.abandon();
  }
}
