import { AsyncLocalStorage } from "node:async_hooks";
import { wrong } from "./check.ts";
import type { WireRequest } from "../undici.ts";
import { type ByteSource, type MeasuredSource, type UnmeasuredSource, giveUp, isUnmeasured } from "./byte-source.ts";
import { type HeaderList, withDefault } from "./request-headers.ts";

type Piece = string | Uint8Array;
type Source = AsyncIterator<Piece, unknown> | Iterator<Piece, unknown>;
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
  readonly #given: ByteSource | UnmeasuredSource;
  #measured: MeasuredSource | undefined = undefined;
  /** Whether it can be sent {@link again}. */
  readonly isRepeatable: boolean;
  #source: Source | undefined;
  readonly #inContext: <R>(fn: () => R) => R = AsyncLocalStorage.snapshot();
  #owner: UploadOwner | undefined;
  #isClosed = false;
  /** What the source failed with: the caller gets it as it is. */
  failure: { readonly error: unknown } | undefined = undefined;

  constructor(given: ByteSource | UnmeasuredSource, isRepeatable: boolean) {
    this.#given = given;
    this.isRepeatable = isRepeatable;
  }

  /** The same body for another attempt. */
  again(): Upload {
    return new Upload(this.#given, true);
  }

  /** Whether its length has to be found out before it is sent: see {@link measured}. */
  get isUnmeasured(): boolean {
    return isUnmeasured(this.#given);
  }

  /** @returns its length in bytes, if that can be known */
  async measure(): Promise<number | undefined> {
    if (!isUnmeasured(this.#given)) return undefined;
    this.#measured = await this.#given.measure();
    return this.#measured.length;
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
      const step = await this.#inContext(() => (this.#source ??= this.#iterate()).next());
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
    // A stream is destroyed besides: its iterator would first wait for what it was asked for.
    const end = async (): Promise<unknown> =>
      Promise.all([giveUp(this.#measured ?? this.#given), this.#source?.return?.()]);
    // What cleaning up fails with has nowhere to go: the request has its outcome already.
    this.#inContext(end).catch(() => {});
  }

  #iterate(): Source {
    const given = this.#measured ?? (this.#given as ByteSource);
    return Symbol.asyncIterator in given ? given[Symbol.asyncIterator]() : given[Symbol.iterator]();
  }

  #ended(): Step {
    this.#isClosed = true;
    this.#owner?.uploadEnded();
    return done;
  }
}

/** The headers of a request, with the length of its body: what {@link Order.prepare} is for bodies that have to be measured. */
export async function measured({ headers, body }: WireRequest): Promise<HeaderList> {
  const length = body instanceof Upload ? await body.measure() : undefined;
  return length === undefined ? headers : withDefault(headers, "content-length", String(length));
}

const done: Step = { done: true, value: undefined };
