import { Worker } from "node:worker_threads";
import { siblingModule } from "../../core/index.ts";
import { ParcelWriter } from "./parcel-writer.ts";
import type { WriterReply } from "./writer-thread-side.ts";

export interface WriterThreadOptions<E> {
  /** What the thread runs: the name of a file beside this one. */
  readonly module: "body-writer" | "row-writer";
  /** For the module, as its `workerData`. */
  readonly data: unknown;
  /** Makes one message of what is to be written, and says which memory goes over with it. May throw: that is a failure. */
  readonly pack: (entries: readonly E[]) => { readonly parcel: unknown; readonly transfer?: readonly ArrayBuffer[] };
  /** They were written, in the order in which they came. */
  readonly onWritten: (entries: readonly E[]) => void;
}

/** So much goes to the thread at once. */
const parcelSize = { bytes: 1024 * 1024, entries: 256 };

/** A thread that writes what is handed over, in that order. */
export class WriterThread<E extends { readonly bytes: number }> extends ParcelWriter<E> {
  readonly #pack: WriterThreadOptions<E>["pack"];
  readonly #worker: Worker;
  /** Of the message that the thread is at. */
  #reply: PromiseWithResolvers<void> | undefined;

  constructor({ module, data, pack, onWritten }: WriterThreadOptions<E>) {
    super(parcelSize, onWritten);
    this.#pack = pack;
    this.#worker = new Worker(siblingModule(import.meta.url, module), { workerData: data });
    this.#worker.on("message", (reply: WriterReply) => this.#replied(reply));
    this.#worker.on("error", (error) => this.#died(error));
    this.#worker.on("exit", () => this.#died(new Error("the thread that writes has ended")));
  }

  protected override async write(entries: readonly E[]): Promise<void> {
    const { parcel, transfer = [] } = this.#pack(entries);
    await this.#ask(parcel, transfer);
  }

  protected override async finish(): Promise<void> {
    await this.#ask(null, []);
  }

  protected override async dispose(): Promise<void> {
    this.#worker.removeAllListeners("exit");
    await this.#worker.terminate();
  }

  protected override giveUp(): void {
    void this.#worker.terminate();
  }

  async #ask(parcel: unknown, transfer: readonly ArrayBuffer[]): Promise<void> {
    this.#reply = Promise.withResolvers<void>();
    this.#worker.postMessage(parcel, transfer);
    await this.#reply.promise;
  }

  #replied(reply: WriterReply): void {
    if (reply === undefined) this.#reply?.resolve();
    else this.#reply?.reject(Object.assign(new Error(reply.message), { code: reply.code }));
  }

  #died(error: unknown): void {
    this.#reply?.reject(error);
    this.fail(error);
  }
}
