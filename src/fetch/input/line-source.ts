import type { BatchSource, SourceEvents } from "./batch-source.ts";
import { Job } from "../engine/job.ts";
import type { BadLine } from "./line-splitter.ts";
import { InputError, type RequestStream } from "./request-stream.ts";

/** Jobs from lines. Reads the next piece of the input only when the lines of the last one have all been taken. */
export class LineSource implements BatchSource {
  hasEnded = false;
  count = 0;
  readonly #requests: RequestStream;
  readonly #events: SourceEvents;
  #isReading = false;
  #isClosed = false;

  constructor(requests: RequestStream, events: SourceEvents) {
    this.#requests = requests;
    this.#events = events;
  }

  get share(): number | undefined {
    return this.#requests.share;
  }

  take(): Job | undefined {
    while (!this.#isReading && !this.hasEnded) {
      const next = this.#next();
      if (next instanceof Job) {
        this.count++;
        return next;
      }
      if (next === undefined) {
        if (!this.hasEnded) void this.#read();
      } else {
        this.count++;
        this.#events.onBadLine(next);
      }
    }
    return undefined;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#requests.close();
  }

  #next(): Job | BadLine | undefined {
    try {
      return this.#requests.next();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.hasEnded = true;
      this.#events.onError(error);
      return undefined;
    }
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      const hasMore = await this.#requests.read();
      // What was closed meanwhile was not read to its end.
      if (this.#isClosed) return;
      this.hasEnded = !hasMore;
    } catch (error) {
      this.hasEnded = true;
      this.#events.onError(error);
      return;
    }
    this.#isReading = false;
    this.#events.onReady();
  }
}
