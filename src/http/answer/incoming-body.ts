import { type ScopeNode, Waiter, arrive, refuse } from "../../core/index.ts";
import { type RequestName, ResponseClosedError } from "../errors.ts";
import { Keeper } from "../wire/keeper.ts";

/** Bytes of an unread body that are held before the server is made to wait. */
const highWaterBytes = 64 * 1024;
/** How much of a body is read only to keep the connection. To open another is cheaper than to read more. */
const drainBytes = 64 * 1024;

/** What brings the body. */
export interface BodySource extends RequestName {
  /** For waits: `GET example.com/users`. */
  readonly label: string;
  /** How much is still to come, if the server has said so. */
  readonly bytesLeft: number | undefined;
  /** Makes the server wait. */
  pause(): void;
  resume(): void;
  /** What is still to come is only to pass. */
  skip(): void;
  /** Closes the connection. Nothing comes any more. */
  abandon(): void;
  /** Whether the rest could be had, if it broke off. */
  readonly isResumable: boolean;
  /** How to get the rest, now that it has broken off with `error`; undefined if that is not possible. */
  restAfter(error: unknown): (() => Promise<IncomingBody>) | undefined;
}

/** How the body is read: not yet, piece by piece, in one, or not at all. */
type Mode = "unread" | "pieces" | "all" | "dropped";

/**
 * The body of a response, between the connection that brings it and the task that reads it.
 *
 *     coming ── all is there ──> complete
 *       └── error, cancelled, closed ──> failed ── read on, and the rest is to be had ──> the rest's
 *
 * What comes is held until it is asked for; when much is held, the server is made to wait. One wait at most reads.
 */
export class IncomingBody {
  readonly #source: BodySource;
  #state: "coming" | "complete" | "failed" = "coming";
  #error: unknown = undefined;
  #mode: Mode = "unread";
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  #isPaused = false;
  #reader: Reader | undefined = undefined;
  #keeper: Keeper | undefined = undefined;
  /** What brings the rest, after the source has broken off. */
  #rest: IncomingBody | undefined = undefined;
  /** Whether the reader waits for the rest to begin. */
  #isResuming = false;
  /** Whether no rest is asked for any more. */
  #isFinal = false;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Ties it to `scope` while more is to come: see {@link Keeper}. */
  keepIn(scope: ScopeNode): void {
    if (this.#state !== "coming") return;
    if (scope.stop === undefined) this.#keeper = new Keeper(scope, this, `${this.#source.label}: its response is open`);
    else this.close("its scope was cancelled, or has ended");
  }

  /** Whether the server is free to send more. */
  get isFlowing(): boolean {
    return this.#state === "coming" && !this.#isPaused;
  }

  /** Whether there is more, and nobody has begun to read. */
  get isUnread(): boolean {
    return this.#state === "coming" && this.#mode === "unread";
  }

  // What the connection brings.

  push(chunk: Buffer): void {
    if (this.#mode === "dropped") return;
    if (this.#mode === "pieces" && this.#reader !== undefined) return this.#answer(chunk);
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#mode === "all" || this.#isPaused || this.#heldBytes < highWaterBytes) return;
    this.#isPaused = true;
    this.#source.pause();
  }

  complete(): void {
    this.#state = "complete";
    this.#keeper?.finish();
    if (this.#reader !== undefined) this.#answer(this.#mode === "all" ? this.#takeAll() : undefined);
  }

  fail(error: unknown): void {
    if (this.#state === "failed") return;
    this.#state = "failed";
    this.#error = error;
    this.#keeper?.finish();
    const reader = this.#reader;
    this.#reader = undefined;
    // A reader whose scope is being cancelled gets that from the core.
    if (reader?.scope?.stop !== undefined) return;
    if (this.#mode === "dropped") reader?.resolve(undefined);
    else reader?.reject(error);
  }

  // What the task asks for.

  /** The next piece; undefined after the last. Cancel: closes the response. */
  next(): Promise<Buffer | undefined> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#rest !== undefined && this.#mode === "pieces") return this.#rest.next();
    if (this.#mode === "unread") this.#mode = "pieces";
    if (this.#mode !== "pieces" || this.#isBeingRead) return this.#refuseSecondReader();
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) this.#heldBytes -= chunk.length;
    this.#resume();
    return chunk === undefined ? this.#wait(scope) : Promise.resolve(chunk);
  }

  /** All of it. Cancel: closes the response. */
  all(): Promise<Buffer> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#mode !== "unread") return this.#refuseSecondReader();
    this.#mode = "all";
    if (this.#state === "complete") return Promise.resolve(this.#takeAll());
    this.#resume();
    return this.#wait(scope) as Promise<Buffer>;
  }

  /** Like {@link drop}, and waits until it is through. Cancel: closes the response. */
  discard(): Promise<undefined> {
    const scope = arrive();
    if (this.#rest !== undefined) return this.#rest.discard();
    if (scope.stop === undefined) this.drop();
    else this.close(discarded);
    if (scope.stop !== undefined) return refuse(scope);
    return (this.#state === "coming" ? this.#wait(scope) : Promise.resolve(undefined)) as Promise<undefined>;
  }

  /** Lets the rest pass if it is known to be short, and closes the connection otherwise. */
  drop(): void {
    if (this.#rest !== undefined) return this.#rest.drop();
    const bytesLeft = this.#source.bytesLeft ?? Infinity;
    if (this.#state !== "coming" || this.#reader !== undefined || bytesLeft > drainBytes) return this.close(discarded);
    this.#mode = "dropped";
    this.#forget();
    this.#source.skip();
    this.#resume();
  }

  /** Nothing can be read any more. Closes the connection, unless all has come. */
  close(why: string): void {
    this.#forget();
    this.#isFinal = true;
    this.#rest?.close(why);
    if (this.#state === "coming") this.#source.abandon();
    this.fail(new ResponseClosedError(this.#source, why));
  }

  #wait(scope: ScopeNode): Promise<Buffer | undefined> {
    if (this.#state === "complete" || (this.#state === "failed" && this.#mode === "dropped"))
      return Promise.resolve(undefined);
    if (this.#state === "failed") return this.#goOnAfter(this.#error);
    this.#reader = new Reader(scope, this.#source.label, this);
    const { promise } = this.#reader;
    return this.#source.isResumable ? promise.catch((error: unknown) => this.#goOnAfter(error)) : promise;
  }

  /** Reads the rest, if it is to be had. In the context of the reader. */
  async #goOnAfter(error: unknown): Promise<Buffer | undefined> {
    const getRest = this.#isFinal || error !== this.#error ? undefined : this.#source.restAfter(error);
    if (getRest === undefined) throw error;
    this.#isResuming = true;
    try {
      const rest = await getRest();
      // Meanwhile it may have been closed, by others than the reader.
      if (this.#isFinal) rest.close(discarded);
      this.#rest = rest;
    } finally {
      this.#isResuming = false;
      this.#isFinal = true;
    }
    if (this.#mode !== "all") return this.#rest.next();
    const begin = this.#takeAll();
    return Buffer.concat([begin, await this.#rest.all()]);
  }

  get #isBeingRead(): boolean {
    return this.#reader !== undefined || this.#isResuming;
  }

  #answer(value: Buffer | undefined): void {
    const reader = this.#reader!;
    this.#reader = undefined;
    reader.resolve(value);
  }

  #resume(): void {
    if (!this.#isPaused || (this.#mode === "pieces" && this.#heldBytes >= highWaterBytes)) return;
    this.#isPaused = false;
    if (this.#state === "coming") this.#source.resume();
  }

  #takeAll(): Buffer {
    const chunks = this.#chunks;
    const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, this.#heldBytes);
    this.#forget();
    return all;
  }

  #forget(): void {
    this.#chunks = [];
    this.#heldBytes = 0;
  }

  #refuseSecondReader(): Promise<never> {
    if (this.#mode === "dropped") return Promise.reject(new ResponseClosedError(this.#source, discarded));
    const why = this.#isBeingRead ? "is being read by another task" : "has been read already";
    return Promise.reject(new TypeError(`${this.#source.label}: the body ${why}`));
  }
}

const discarded = "it was discarded";

/** The wait for more of a body. */
class Reader extends Waiter<Buffer | undefined> {
  readonly #label: string;
  readonly #body: IncomingBody;

  constructor(scope: ScopeNode, label: string, body: IncomingBody) {
    super(scope);
    this.#label = label;
    this.#body = body;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `${this.#label}: reading the body`;
  }

  protected override leave(): void {
    this.#body.close("the task that read it was cancelled");
  }
}
