import { Worker } from "node:worker_threads";
import { outside, siblingModule } from "../../core/index.ts";
import { ConnectionLostError, DatabaseClosedError } from "../errors.ts";
import { type SqliteFailure, errorOfSqlite, isBusy } from "./sqlite-failure.ts";
import type { RowPiece, ThreadCommand, ThreadReply, ThreadSettings, ThreadWork } from "./sqlite-protocol.ts";

/** Whoever has asked a thread for something. It hears of all, until one of the last three. */
export interface Asker {
  /** Of a query under way: for errors. */
  readonly query: string | undefined;
  /** Whether nobody needs it any more. */
  readonly isGivenUp: boolean;
  takeRows(piece: RowPiece): void;
  takeDone(count: number): void;
  takeFailure(error: unknown): void;
  /** It has stopped because it was given up. */
  takeStop(): void;
}

/** What a thread needs to know of the database. */
export interface SqliteSettings {
  /** The file; `:memory:` for none. */
  readonly path: string;
  /** For people. */
  readonly name: string;
  readonly busyMs: number;
  readonly synchronous: string;
  readonly maxStatements: number;
}

/** As long SQLite waits for a lock before it is seen whether whoever wanted it is still there. */
const sliceMs = 100;

/** Numbers fit into the word that says what is to stop. */
const maxNumber = 2 ** 31 - 1;

interface Asked {
  readonly work: ThreadWork;
  readonly asker: Asker;
  triesLeft: number;
}

/**
 * A thread with a connection to SQLite, which works off what it is asked for, in that order. It belongs to no scope. What
 * is asked for in one turn of the loop goes there in one message.
 */
export class SqliteThread {
  readonly settings: SqliteSettings;
  readonly #worker: Worker;
  /** Shared with the thread: the number of what is to stop. */
  readonly #stop: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  /** What is with the thread, in order. */
  readonly #asked = new Map<number, Asked>();
  #outgoing: ThreadCommand[] = [];
  #last = 0;
  #isClosing = false;
  #loss: unknown = undefined;

  constructor(settings: SqliteSettings, isReader: boolean) {
    this.settings = settings;
    const { path, busyMs, synchronous, maxStatements, name } = settings;
    const workerData: ThreadSettings = {
      path,
      isReader,
      synchronous,
      maxStatements,
      stop: this.#stop,
      sliceMs: Math.min(sliceMs, busyMs),
    };
    this.#worker = outside(() => {
      const worker = new Worker(siblingModule(import.meta.url, "sqlite-worker"), { workerData, name });
      worker.on("message", (replies: readonly ThreadReply[]) => this.#takeAll(replies));
      worker.on("error", (error) => this.#lost(error));
      worker.on("exit", () => this.#lost(undefined));
      worker.unref();
      return worker;
    });
  }

  /** Whether it cannot be used any more. */
  get isLost(): boolean {
    return this.#loss !== undefined;
  }

  /** Asks for something. Returns its number. */
  ask(work: ThreadWork, asker: Asker): number {
    const id = (this.#last % maxNumber) + 1;
    this.#last = id;
    if (this.#loss !== undefined || this.#isClosing) queueMicrotask(() => asker.takeFailure(this.#refusal(asker)));
    else {
      const triesLeft = Math.ceil(this.settings.busyMs / sliceMs) - 1;
      this.#send(id, { work, asker, triesLeft });
    }
    return id;
  }

  /** An asker has been given up: what it has asked for is stopped between two rows. */
  giveUp(asker: Asker): void {
    const first = this.#asked.entries().next().value;
    if (first?.[1].asker === asker) this.#stopNow(first[0]);
  }

  /** Waits for what was asked for, and ends. */
  async close(): Promise<void> {
    if (this.#isClosing || this.#loss !== undefined) return;
    await new Promise<void>((resolve) => {
      const asker = { query: undefined, isGivenUp: false, takeRows() {}, takeDone: () => resolve() };
      this.ask(["close"], { ...asker, takeFailure: () => resolve(), takeStop: () => resolve() });
      this.#isClosing = true;
    });
    await this.#worker.terminate();
  }

  #send(id: number, asked: Asked): void {
    if (this.#asked.size === 0) this.#worker.ref();
    this.#asked.set(id, asked);
    if (this.#outgoing.length === 0) queueMicrotask(() => this.#flush());
    this.#outgoing.push([id, asked.work]);
  }

  #flush(): void {
    const commands = this.#outgoing;
    this.#outgoing = [];
    if (this.#loss === undefined) this.#worker.postMessage(commands);
  }

  #takeAll(replies: readonly ThreadReply[]): void {
    for (const reply of replies) this.#take(reply);
    const first = this.#asked.entries().next().value;
    if (first === undefined) this.#worker.unref();
    else if (first[1].asker.isGivenUp) this.#stopNow(first[0]);
  }

  #take(reply: ThreadReply): void {
    const [id, kind] = reply;
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    const { asker } = asked;
    if (kind === "rows") {
      if (reply[2].isLast || asked.work[0] === "more") this.#asked.delete(id);
      return asker.takeRows(reply[2]);
    }
    this.#asked.delete(id);
    if (kind === "done") asker.takeDone(reply[2]);
    else if (kind === "stopped") asker.takeStop();
    else this.#failed(id, asked, reply[2]);
  }

  #failed(id: number, asked: Asked, failure: SqliteFailure): void {
    const { asker, work } = asked;
    if (!isBusy(failure)) return asker.takeFailure(errorOfSqlite(failure, asker.query, this.settings.busyMs));
    if (asker.isGivenUp) return asker.takeStop();
    if (asked.triesLeft <= 0) return asker.takeFailure(errorOfSqlite(failure, asker.query, this.settings.busyMs));
    this.#send(id, { work, asker, triesLeft: asked.triesLeft - 1 });
  }

  #stopNow(id: number): void {
    Atomics.store(this.#stop, 0, id);
  }

  #lost(error: unknown): void {
    if (this.#loss !== undefined) return;
    this.#loss = error ?? new Error("its thread has ended");
    const all = [...this.#asked.values()];
    this.#asked.clear();
    for (const { asker } of all) asker.takeFailure(this.#refusal(asker));
  }

  #refusal({ query }: Asker): Error {
    if (this.#isClosing) return new DatabaseClosedError(this.settings.name);
    const why = this.#loss instanceof Error ? this.#loss.message : String(this.#loss);
    return new ConnectionLostError(this.settings.name, why, query, this.#loss);
  }
}
