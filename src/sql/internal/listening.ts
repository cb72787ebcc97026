import { LinkedList, QueuedWaiter, type ScopeNode, arrive, grant, refuse, takeFirst } from "../../core/index.ts";
import type { ListenOptions } from "../database.ts";
import { Tie } from "./tie.ts";

/** Payloads of one channel that nobody has read; more are dropped, which is told as a loss. */
const maxUnread = 10_000;

type Step = IteratorResult<string, undefined>;
const atEnd: Step = { done: true, value: undefined };

/** One who listens to a channel. */
export class Listening implements AsyncIterableIterator<string, undefined>, AsyncDisposable {
  readonly channel: string;
  readonly #options: ListenOptions;
  readonly #onLeave: (self: Listening) => void;
  readonly #tie: Tie;
  readonly #unread: string[] = [];
  readonly #readers = new LinkedList<PayloadWaiter>();
  readonly #begun = Promise.withResolvers<void>();
  #hasBegun = false;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(scope: ScopeNode, channel: string, options: ListenOptions, onLeave: (self: Listening) => void) {
    this.channel = channel;
    this.#options = options;
    this.#onLeave = onLeave;
    this.#tie = new Tie(scope, `notifications on ${channel}`, async (why) => {
      this.end(why);
      this.#onLeave(this);
    });
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Settles when the server has been told. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    const first = this.#unread.shift();
    if (first !== undefined) return grant(scope, { done: false, value: first });
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#isOver) return grant(scope, atEnd);
    const reader = new PayloadWaiter(scope, this.channel);
    this.#readers.push(reader);
    return reader.promise;
  }

  async return(): Promise<Step> {
    await this[Symbol.asyncDispose]();
    return atEnd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    await this.#tie.release();
  }

  /** The server has been told: for the first time, or again after what came between was lost. */
  began(): void {
    const wasLost = this.#hasBegun;
    this.#hasBegun = true;
    this.#begun.resolve();
    if (wasLost) this.#lost("connection");
  }

  took(payload: string): void {
    const reader = takeFirst(this.#readers);
    if (reader !== undefined) reader.resolve({ done: false, value: payload });
    else if (this.#unread.length < maxUnread) this.#unread.push(payload);
    else this.#lost("buffer");
  }

  /** Where `onLost` throws, nobody else's notifications are to suffer: its own stream ends. */
  #lost(why: "connection" | "buffer"): void {
    try {
      this.#options.onLost?.(why);
    } catch (error) {
      this.end(error);
      this.#onLeave(this);
    }
  }

  end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = { error };
    this.#begun.resolve();
    for (let reader = takeFirst(this.#readers); reader !== undefined; reader = takeFirst(this.#readers))
      reader.reject(error);
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#begun.resolve();
    this.#unread.length = 0;
    for (let reader = takeFirst(this.#readers); reader !== undefined; reader = takeFirst(this.#readers))
      reader.resolve(atEnd);
    this.#onLeave(this);
  }
}

class PayloadWaiter extends QueuedWaiter<Step> {
  readonly #channel: string;

  constructor(scope: ScopeNode, channel: string) {
    super(scope);
    this.#channel = channel;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `a notification on ${this.#channel}`;
  }
}
