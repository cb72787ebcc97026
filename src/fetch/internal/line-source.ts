import type { ByteInput } from "./byte-input.ts";
import type { JobSource } from "./engine.ts";
import { Job } from "./job.ts";
import { BadLine } from "./line-splitter.ts";
import type { RequestReader } from "./request-reader.ts";

export interface LineSourceOptions {
  readonly input: ByteInput;
  readonly reader: RequestReader;
  /** A line was no request. */
  readonly onBadLine: (bad: BadLine) => void;
  /** More can be taken. */
  readonly onReady: () => void;
  /** The input cannot be read further. The source has ended. */
  readonly onError: (error: unknown) => void;
}

/** Jobs from lines. Reads the next piece of the input only when the lines of the last one have all been taken. */
export class LineSource implements JobSource {
  hasEnded = false;
  /** Requests and bad lines read so far. */
  count = 0;
  readonly #options: LineSourceOptions;
  #isReading = false;

  constructor(options: LineSourceOptions) {
    this.#options = options;
  }

  take(): Job | undefined {
    const { reader } = this.#options;
    while (!this.#isReading && !this.hasEnded) {
      const next = reader.next();
      if (next instanceof Job) {
        this.count++;
        return next;
      }
      if (next === undefined) void this.#read();
      else {
        this.count++;
        this.#options.onBadLine(next);
      }
    }
    return undefined;
  }

  async #read(): Promise<void> {
    const { input, reader, onError, onReady } = this.#options;
    this.#isReading = true;
    let chunk: Buffer | undefined;
    try {
      chunk = await input.read();
    } catch (error) {
      this.hasEnded = true;
      onError(error);
      return;
    }
    this.#isReading = false;
    if (chunk !== undefined) reader.feed(chunk);
    else if (this.#isLast) this.hasEnded = true;
    else {
      this.#isLast = true;
      reader.end();
    }
    onReady();
  }

  /** The reader was told that the input has ended: it may still have the last line. */
  #isLast = false;
}
