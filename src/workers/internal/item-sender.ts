import type { Permit } from "../../core/index.ts";
import { Deque } from "../../core/index.ts";
import { Semaphore } from "../../sync/index.ts";
import { throwIfCancelled } from "../throw-if-cancelled.ts";
import { streamWindow } from "./protocol.ts";

/** In a thread: sends the items of a stream, and never more than {@link streamWindow} that are unread. */
export class ItemSender {
  readonly #call: number;
  readonly #post: (item: unknown) => void;
  readonly #window = new Semaphore(streamWindow, { name: "unread items" });
  readonly #unread = new Deque<Permit>();

  constructor(call: number, post: (item: unknown) => void) {
    this.#call = call;
    this.#post = post;
  }

  async sendAll(items: unknown): Promise<void> {
    if (!isIterable(items)) throw new TypeError("Expected the task to return an iterable: it was called by `stream`");
    let stopped: { readonly error: unknown } | undefined;
    for await (const item of items) {
      stopped = await this.#send(item);
      if (stopped !== undefined) break;
    }
    if (stopped !== undefined) throw stopped.error;
  }

  /** @returns what it throws: if that left the loop, what the items throw as they are closed would be lost */
  async #send(item: unknown): Promise<{ readonly error: unknown } | undefined> {
    try {
      this.#unread.push(await this.#window.acquire());
      throwIfCancelled();
      this.#post(item);
    } catch (error) {
      return { error };
    }
    return undefined;
  }

  read(call: number, items: number): void {
    if (call !== this.#call) return;
    for (let i = 0; i < items && this.#unread.size > 0; i++) this.#unread.shift().release();
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof value === "object" && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}
