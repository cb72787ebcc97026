import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Deque } from "../../core/index.ts";
import { type Attempt, isSuccess } from "./attempt.ts";
import { bodyName } from "./body-name.ts";
import type { BodyParcel, BodyReply } from "./body-writer.ts";
import type { DoneSet } from "./done-set.ts";
import type { BadLine } from "./line-splitter.ts";
import type { OutputEvents, ResultOutput } from "./result-output.ts";

/** A result that waits for its body to be written, or for one before it. */
interface Entry {
  /** The file that the body goes to; undefined if there is none to write. */
  readonly name: string | undefined;
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
  /** Hands it on to the results. */
  readonly handOn: () => void;
}

/** So much goes to the writer at once. */
const parcelBytes = 1024 * 1024;
const parcelEntries = 256;
const fullBytes = 16 * 1024 * 1024;
const readyBytes = 4 * 1024 * 1024;

/**
 * Puts the bodies of answers into a folder, a file each, and hands the results on with the names of the files.
 *
 * A result is handed on when its body is in its file, so what the results name is there; and in the order in which they
 * came. The files are written by a thread of their own: while it writes some, others gather, and go to it together.
 * They are not synced: what a power cut takes from them, it may take although a result names them.
 */
export class BodyFolder implements ResultOutput {
  readonly #results: ResultOutput;
  readonly #folder: string;
  readonly #worker: Worker;
  readonly #gathered = new Deque<Entry>();
  /** What the writer is at. */
  #parcel: readonly Entry[] = [];
  #waitingBytes = 0;
  #events: OutputEvents | undefined;
  #areResultsFull = false;
  #isFull = false;
  #failure: { readonly error: unknown } | undefined;
  #onIdle: (() => void) | undefined;

  /**
   * @param folder - made if it is not there
   * @throws what `mkdir` of the system does
   */
  constructor(folder: string, results: ResultOutput) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#results = results;
    // The same file, whether it runs as it was written or built.
    const writer = new URL(import.meta.url.endsWith(".ts") ? "./body-writer.ts" : "./body-writer.js", import.meta.url);
    this.#worker = new Worker(writer, { workerData: { folder } });
    this.#worker.on("message", (reply: BodyReply) => this.#written(reply));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("the thread that writes bodies has ended")));
  }

  get done(): DoneSet | undefined {
    return this.#results.done;
  }

  get bytes(): number {
    return this.#results.bytes;
  }

  get waitingBytes(): number {
    return this.#results.waitingBytes + this.#waitingBytes;
  }

  start(events: OutputEvents): void {
    this.#events = events;
    this.#results.start({
      onFull: () => this.#resultsAre(true),
      onReady: () => this.#resultsAre(false),
      onError: events.onError,
    });
  }

  settled(last: Attempt): void {
    const { answer, job } = last;
    // The body of a failure is short, and says why: it stays in the result.
    if (answer === undefined || answer.bodyBytes === 0 || !isSuccess(last))
      return this.#pass(() => this.#results.settled(last));
    const name = bodyName(job.index, answer.headers, job.target.path);
    const handOn = (): void => this.#results.settled(last, join(this.#folder, name));
    this.#take({ name, chunks: answer.chunks, bytes: answer.bodyBytes, handOn });
  }

  foundBadLine(bad: BadLine): void {
    this.#pass(() => this.#results.foundBadLine(bad));
  }

  async end(): Promise<void> {
    while (this.#isBusy) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#worker.removeAllListeners("exit");
    await this.#worker.terminate();
    await this.#results.end();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  abandon(): void {
    if (this.#isBusy) void this.#worker.terminate();
    this.#results.abandon();
  }

  get #isBusy(): boolean {
    return this.#parcel.length > 0;
  }

  /** What has no body to write waits for those before it all the same. */
  #pass(handOn: () => void): void {
    if (this.#isBusy) this.#take({ name: undefined, chunks: [], bytes: 0, handOn });
    else handOn();
  }

  #take(entry: Entry): void {
    if (this.#failure !== undefined) return;
    this.#gathered.push(entry);
    this.#waitingBytes += entry.bytes;
    if (!this.#isBusy) this.#send();
    this.#tellFullness();
  }

  #send(): void {
    const entries: Entry[] = [];
    let bytes = 0;
    while (this.#gathered.size > 0 && entries.length < parcelEntries && bytes < parcelBytes) {
      const entry = this.#gathered.shift();
      entries.push(entry);
      bytes += entry.bytes;
    }
    this.#parcel = entries;
    if (entries.length === 0) return this.#onIdle?.();
    const parcel = pack(entries, bytes);
    this.#worker.postMessage(parcel, [parcel.bytes.buffer]);
  }

  #written(reply: BodyReply): void {
    if (this.#failure !== undefined) return;
    if (reply !== undefined) return this.#fail(Object.assign(new Error(reply.message), { code: reply.code }));
    for (const { bytes, handOn } of this.#parcel) {
      this.#waitingBytes -= bytes;
      handOn();
    }
    this.#send();
    this.#tellFullness();
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#parcel = [];
    this.#gathered.takeAll();
    this.#events?.onError(error);
    this.#onIdle?.();
  }

  #resultsAre(full: boolean): void {
    this.#areResultsFull = full;
    this.#tellFullness();
  }

  #tellFullness(): void {
    const isFull = this.#areResultsFull || this.#waitingBytes >= (this.#isFull ? readyBytes : fullBytes);
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    if (isFull) this.#events?.onFull();
    else this.#events?.onReady();
  }
}

function pack(entries: readonly Entry[], byteCount: number): BodyParcel & { readonly bytes: Uint8Array<ArrayBuffer> } {
  // Its memory goes over to the writer: not a part of a larger piece.
  const bytes = new Uint8Array(byteCount);
  const names: string[] = [];
  const lengths: number[] = [];
  let at = 0;
  for (const entry of entries) {
    if (entry.name === undefined) continue;
    names.push(entry.name);
    lengths.push(entry.bytes);
    for (const chunk of entry.chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
  }
  return { names, lengths, bytes };
}
