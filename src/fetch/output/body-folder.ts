import { accessSync, constants, mkdirSync, opendirSync } from "node:fs";
import { join } from "node:path";
import { type Attempt, isSuccess } from "../engine/attempt.ts";
import { bodyName, isBodyName } from "./body-name.ts";
import type { BodyParcel } from "./body-writer.ts";
import type { DoneSet } from "../journal/done-set.ts";
import type { BadLine } from "../input/line-splitter.ts";
import { type OutputEvents, type ResultOutput, mostInResult } from "./result-output.ts";
import { WriterThread } from "./writer-thread.ts";

/** A result that waits for its body to be written, or for one before it. */
interface Entry {
  /** The file that the body goes to; undefined if there is none to write. */
  readonly name: string | undefined;
  readonly chunks: readonly Buffer[];
  readonly bodyBytes: number;
  /** What it takes of memory while it waits, about. */
  readonly bytes: number;
  /** Hands it on to the results. */
  readonly handOn: () => void;
}

/** A body could not be put into its file. */
export class BodyFolderError extends Error {
  constructor(cause: unknown) {
    super((cause as Error).message, { cause });
  }
}

/**
 * Makes `folder`, unless it is there and can be written to.
 *
 * @throws {Error} the file system's
 */
export function prepareBodyFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK | constants.X_OK);
}

/** The name of a file in `folder` that is called as bodies are; undefined if there is none, or no such folder. */
export function bodyIn(folder: string): string | undefined {
  let entries;
  try {
    entries = opendirSync(folder);
  } catch {
    return undefined;
  }
  try {
    for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
      if (isBodyName(entry.name)) return entry.name;
    }
    return undefined;
  } finally {
    entries.closeSync();
  }
}

/** What a result takes besides its body. */
const resultBytes = 1_000;

/**
 * Puts the bodies of answers into a folder, a file each, and hands the results on with the names of the files.
 *
 * A result is handed on when its body is in its file, so what the results name is there; and in the order in which they
 * came. The files are not synced: what a power cut takes of them, it may take although a result names them.
 */
export class BodyFolder implements ResultOutput {
  /** What surely fits into a piece of memory. */
  readonly maxBodyBytes: number = 1024 * 1024 * 1024;
  readonly #results: ResultOutput;
  readonly #folder: string;
  readonly #thread: WriterThread<Entry>;
  #areResultsFull = false;
  #isThreadFull = false;

  /** @param folder - prepared */
  constructor(folder: string, results: ResultOutput) {
    this.#folder = folder;
    this.#results = results;
    this.#thread = new WriterThread<Entry>({
      module: "body-writer",
      data: { folder },
      pack,
      onWritten: (entries) => {
        for (const { handOn } of entries) handOn();
      },
    });
  }

  get done(): DoneSet | undefined {
    return this.#results.done;
  }

  get bytes(): number {
    return this.#results.bytes;
  }

  get waitingBytes(): number {
    return this.#results.waitingBytes + this.#thread.waitingBytes;
  }

  start(events: OutputEvents): void {
    const { onFull, onReady } = events;
    const change = (set: () => void): void => {
      const wasFull = this.#isFull;
      set();
      if (this.#isFull !== wasFull) (this.#isFull ? onFull : onReady)();
    };
    this.#results.start({
      ...events,
      onFull: () => change(() => (this.#areResultsFull = true)),
      onReady: () => change(() => (this.#areResultsFull = false)),
    });
    this.#thread.start({
      ...events,
      onError: (error) => events.onError(new BodyFolderError(error)),
      onFull: () => change(() => (this.#isThreadFull = true)),
      onReady: () => change(() => (this.#isThreadFull = false)),
    });
  }

  settled(last: Attempt): void {
    const { answer, job } = last;
    // The body of a failure is mostly short, and says why: then it stays in the result.
    const isForFile = isSuccess(last) || (answer !== undefined && answer.bodyBytes > mostInResult);
    if (answer === undefined || answer.bodyBytes === 0 || !isForFile) {
      return this.#pass(answer?.bodyBytes ?? 0, () => this.#results.settled(last));
    }
    const name = bodyName(job.index, answer.headers, job.target.path);
    const handOn = (): void => this.#results.settled(last, join(this.#folder, name));
    const { chunks, bodyBytes } = answer;
    this.#thread.take({ name, chunks, bodyBytes, bytes: bodyBytes + resultBytes, handOn });
  }

  foundBadLine(bad: BadLine): void {
    this.#pass(0, () => this.#results.foundBadLine(bad));
  }

  async end(): Promise<void> {
    try {
      await this.#thread.end().catch((error: unknown) => {
        throw new BodyFolderError(error);
      });
    } finally {
      await this.#results.end();
    }
  }

  abandon(): void {
    this.#thread.abandon();
    this.#results.abandon();
  }

  get #isFull(): boolean {
    return this.#areResultsFull || this.#isThreadFull;
  }

  /** What has no body to write waits for those before it all the same. */
  #pass(keptBytes: number, handOn: () => void): void {
    if (!this.#thread.isBusy) return handOn();
    this.#thread.take({ name: undefined, chunks: [], bodyBytes: 0, bytes: keptBytes + resultBytes, handOn });
  }
}

function pack(entries: readonly Entry[]): { parcel: BodyParcel; transfer: ArrayBuffer[] } {
  const withBody = entries.filter(({ name }) => name !== undefined);
  const lengths = withBody.map(({ bodyBytes }) => bodyBytes);
  // Its memory goes over to the thread: so it is not part of a larger piece.
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const chunk of withBody.flatMap(({ chunks }) => chunks)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { parcel: { names: withBody.map(({ name }) => name!), lengths, bytes }, transfer: [bytes.buffer] };
}
