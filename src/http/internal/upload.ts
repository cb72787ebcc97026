import { AsyncLocalStorage } from "node:async_hooks";
import { wrong } from "./check.ts";
import type { ByteSource } from "./request-body.ts";

type Piece = string | Uint8Array;
type Step = IteratorResult<Piece, undefined>;

/** Whom an {@link Upload} tells how it goes. */
export interface UploadOwner {
  /** One more piece has gone out and the next is wanted. */
  pieceSent(): void;
  /** All of it has gone out. */
  uploadEnded(): void;
}

/**
 * A body that is sent piece by piece, as the connection takes it.
 *
 * undici asks for pieces from the context of the socket. The source is code of the caller, so it runs in the caller's
 * context: its checkpoints end with the caller's scope.
 */
export class Upload implements AsyncIterable<Piece>, AsyncIterator<Piece, undefined> {
  readonly #given: ByteSource;
  /** Whether it can be sent {@link again}. */
  readonly isRepeatable: boolean;
  #source: AsyncIterator<Piece, unknown> | Iterator<Piece, unknown> | undefined;
  readonly #inContext: <R>(fn: () => R) => R = AsyncLocalStorage.snapshot();
  #owner: UploadOwner | undefined;
  #isClosed = false;
  /** What the source failed with: the caller gets it as it is. */
  failure: { readonly error: unknown } | undefined = undefined;

  constructor(given: ByteSource, isRepeatable: boolean) {
    this.#given = given;
    this.isRepeatable = isRepeatable;
  }

  /** The same body for another attempt. */
  again(): Upload {
    return new Upload(this.#given, true);
  }

  attach(owner: UploadOwner): void {
    this.#owner = owner;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Step> {
    this.#owner?.pieceSent();
    try {
      const step = await this.#inContext(() => (this.#source ??= iterate(this.#given)).next());
      if (step.done === true) return this.#ended();
      if (this.#isClosed) return done;
      if (typeof step.value !== "string" && !(step.value instanceof Uint8Array)) {
        throw new TypeError(wrong("body", "an iterable of strings or bytes", step.value));
      }
      return { done: false, value: step.value };
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  /** undici needs no more: the connection is gone. */
  return(): Promise<Step> {
    this.close();
    return Promise.resolve(done);
  }

  /** Lets the source clean up. It is asked for nothing more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const end = async (): Promise<void> => void (await (this.#source ?? unused(this.#given)).return?.());
    // What cleaning up fails with has nowhere to go: the request has its outcome already.
    this.#inContext(end).catch(() => {});
  }

  #ended(): Step {
    this.#isClosed = true;
    this.#owner?.uploadEnded();
    return done;
  }
}

function iterate(source: ByteSource): AsyncIterator<Piece, unknown> | Iterator<Piece, unknown> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** What closes a source that was never asked for anything. A stream is open all the same; a generator has not begun. */
function unused(source: ByteSource): { return?: () => unknown } {
  const { destroy } = source as { destroy?: () => unknown };
  return typeof destroy === "function" ? { return: () => destroy.call(source) } : {};
}

const done: Step = { done: true, value: undefined };
