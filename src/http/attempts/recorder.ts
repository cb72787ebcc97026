import type { WireHeaders } from "../undici.ts";
import type { CacheHead } from "./cache-entry.ts";
import type { HeaderList } from "../request/request-headers.ts";

/** The body of one response, kept while it comes to its reader. */
export class Recording {
  readonly head: CacheHead;
  readonly #maxBytes: number;
  #chunks: Buffer[] | undefined = [];
  #bytes = 0;
  #isComplete = false;
  #store: ((body: Buffer) => void) | undefined = undefined;

  constructor(head: CacheHead, maxBytes: number) {
    this.head = head;
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    if (this.#chunks === undefined) return;
    this.#bytes += chunk.length;
    // A copy: the chunk is the reader's, who may do with it what he likes.
    if (this.#bytes <= this.#maxBytes) this.#chunks.push(Buffer.from(chunk));
    else this.#chunks = undefined;
  }

  /** All has come. */
  complete(): void {
    this.#isComplete = true;
    this.#deliver();
  }

  /** Has the body stored when all of it has come, or now. It may never come. */
  keep(store: (body: Buffer) => void): void {
    this.#store = store;
    this.#deliver();
  }

  #deliver(): void {
    if (!this.#isComplete || this.#store === undefined || this.#chunks === undefined) return;
    this.#store(Buffer.concat(this.#chunks, this.#bytes));
    this.#chunks = undefined;
  }
}

/** Says whether a response is to be kept, from its head and from what was sent. */
export type Judge = (status: number, headers: WireHeaders, sent: HeaderList) => CacheHead | undefined;

/** Keeps the responses to one request, of which the last counts. */
export class Recorder {
  /** What goes out with the request at last. */
  sent: HeaderList = [];
  /** Of the last response. Undefined if it is not to be kept. */
  last: Recording | undefined = undefined;
  readonly #maxBytes: number;
  readonly #judge: Judge;

  constructor(maxBytes: number, judge: Judge) {
    this.#maxBytes = maxBytes;
    this.#judge = judge;
  }

  /** The headers of a response have come. */
  begin(status: number, headers: WireHeaders): Recording | undefined {
    const head = this.#judge(status, headers, this.sent);
    const isShortEnough = !(Number(headers["content-length"]) > this.#maxBytes);
    this.last = head === undefined || !isShortEnough ? undefined : new Recording(head, this.#maxBytes);
    return this.last;
  }
}
