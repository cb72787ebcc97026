import { type Permit, type ScopeNode, outside } from "../../core/index.ts";
import {
  BodyTooLargeError,
  type ConnectionPhase,
  HttpTimeoutError,
  SessionClosedError,
  type TimeoutPhase,
} from "../errors.ts";
import type { FlowControl, WireHeaders, WireRequest } from "../undici.ts";
import type { Connection, ConnectionUser } from "./connection.ts";
import { codingsOf } from "../answer/content-codings.ts";
import { Decoder, type DecoderOwner, checkCodings } from "../answer/decoder.ts";
import { BodyAfterHead, failureOf, failureToSend } from "./failure.ts";
import type { Http2Lease } from "./http2-lease.ts";
import { type Order, labelOf, pathname } from "./order.ts";
import { PhasedWait } from "./phased-wait.ts";
import type { Host } from "./pool.ts";
import type { Recording } from "../attempts/recorder.ts";
import type { Job } from "./slots.ts";
import type { Timeouts } from "./timeouts.ts";
import type { Transport } from "./transport.ts";
import { Upload, type UploadOwner } from "../request/upload.ts";

/** Waiting for its turn, on its way to the headers of the response, reading the body, or over. */
type State = "queued" | "sent" | "body" | "over";

/**
 * One request and its response: the wait of the caller, the job in line for a slot, the handler undici calls, and the
 * timer, all in one object, because there is one for each request.
 *
 *     queued ── a slot ──> sent ── headers ──> body ── last byte ──> over
 *       └───── cancelled, session closed ──────┴── error, timeout ────^
 *
 * Its link stands in the line of its host while queued, and among the timers of the clock later. A subclass says what
 * the caller waits for: the headers, or all of it.
 */
export abstract class Exchange<T> extends PhasedWait<T> implements Job, ConnectionUser, UploadOwner, DecoderOwner {
  readonly order: Order;
  readonly host: Host;
  protected readonly transport: Transport;
  /** Given back when it is over. From the limiter of the session. */
  permit: Permit | undefined = undefined;

  state: State = "queued";
  status = 0;
  headers: WireHeaders = noHeaders;
  /** Bytes of the body that have come over the wire. */
  bodyBytes = 0;
  /** When it left the queue. */
  startedMs = 0;
  #control: FlowControl | undefined = undefined;
  /** Where the body is decompressed. It may have work left when everything has come. */
  protected decoder: Decoder | undefined = undefined;
  /** Where the body is kept for others. */
  protected recording: Recording | undefined = undefined;
  #connection: Connection<Host> | Http2Lease | undefined = undefined;
  #isConnecting = false;
  #isPreparing = false;

  constructor(scope: ScopeNode, transport: Transport, order: Order) {
    super(scope);
    this.order = order;
    this.transport = transport;
    this.host = transport.pool.host(order.origin);
  }

  protected override get timeouts(): Timeouts {
    return this.order.timeouts;
  }

  get method(): string {
    return this.order.wire.method;
  }

  get url(): string {
    return this.host.origin + pathname(this.order);
  }

  /** `GET example.com/users`, without what may be secret. */
  get label(): string {
    return labelOf(this.order);
  }

  /** Whether it is only held up by a response that nobody reads. */
  get isUnread(): boolean {
    return false;
  }

  /** In line, and while it is prepared, it waits for others of this tree; after that, for the network. */
  override get isExternal(): boolean {
    return this.state !== "queued" && !this.#isPreparing;
  }

  describe(): string {
    return `${this.label}: ${this.#doing()}`;
  }

  #doing(): string {
    if (this.state === "queued") {
      const { pause } = this.host;
      if (pause !== undefined) return pause.describe();
      const { slots, pool } = this.transport;
      const unread = pool.countUnread();
      const held = unread === 0 ? "" : `; ${unread} held by responses that nobody reads`;
      return `waiting for a slot (${slots.active} of ${slots.limit} in use, ${this.host.active} for this host${held})`;
    }
    if (this.#isConnecting) return "connecting";
    if (this.#isPreparing) return "preparing";
    if (this.state === "body") return "reading the body";
    if (this.state === "over") return "decompressing the body";
    return this.phase === "idle" ? "sending the body" : "waiting for the response";
  }

  // On its way out.

  /** It has its slot. */
  start(): void {
    this.state = "sent";
    if (this.order.prepare === undefined) return this.#sendOut(this.order.wire);
    this.#isPreparing = true;
    this.transport.prepare(this, this.scope!, (headers) => this.#sendOut({ ...this.order.wire, headers }));
  }

  #sendOut(wire: WireRequest): void {
    this.#isPreparing = false;
    this.startedMs = this.clock.now();
    this.startTotal(this.startedMs);
    const {
      wire: { body },
      recorder,
    } = this.order;
    if (recorder !== undefined) recorder.sent = wire.headers;
    if (body instanceof Upload) {
      body.attach(this);
      this.startPhase("idle", this.startedMs);
    } else {
      this.startPhase("headers", this.startedMs);
    }
    this.#connection = this.takeConnection();
    this.#connection.send(wire, this);
  }

  protected takeConnection(): Connection<Host> | Http2Lease {
    return this.transport.pool.take(this.host, this.method);
  }

  connecting(): void {
    this.#isConnecting = true;
    this.startPhase("connect");
  }

  connected(): void {
    this.#isConnecting = false;
    if (this.order.wire.body instanceof Upload) this.startPhase("idle");
    else this.uploadEnded();
  }

  pieceSent(): void {
    if (this.state === "sent" && !this.#isConnecting) this.startPhase("idle");
    else if (this.state === "body") this.extendPhase();
  }

  uploadEnded(): void {
    if (this.state === "sent") this.startPhase("headers");
  }

  // On its way in: what undici calls.

  onRequestStart(control: FlowControl): void {
    this.#control = control;
  }

  onResponseStart(_control: FlowControl, status: number, headers: WireHeaders): void {
    if (status < 200 || this.state !== "sent") return;
    this.state = "body";
    this.status = status;
    this.headers = headers;
    if (this.#isTooLong(headers["content-length"])) return this.fail(this.#tooLarge());
    try {
      if (this.order.decompress === true && headers["content-encoding"] !== undefined) this.#openDecoder();
    } catch (error) {
      return this.fail(error);
    }
    this.recording = this.order.recorder?.begin(status, headers);
    this.headersCame();
  }

  onResponseData(_control: FlowControl, chunk: Buffer): void {
    if (this.state !== "body") return;
    this.bodyBytes += chunk.length;
    if (this.bodyBytes > this.order.maxBodyBytes) return this.fail(this.#tooLarge());
    this.startPhase("idle");
    if (this.decoder === undefined) this.decoded(chunk);
    else this.decoder.push(chunk);
  }

  onResponseEnd(): void {
    if (this.state !== "body") return;
    const connection = this.#connection!;
    const { failure } = connection;
    if (failure !== undefined && this.#endsWithConnection) return this.onResponseError(null, failure);
    this.#connection = undefined;
    this.transport.pool.putBack(connection);
    this.#close(true);
    if (this.decoder === undefined) this.decodedAll();
    else this.decoder.end();
  }

  onResponseError(_control: FlowControl | null, error: Error): void {
    if (this.state === "over") return;
    const { body } = this.order.wire;
    if (body instanceof Upload && body.failure !== undefined) this.fail(failureToSend(this, body.failure.error));
    else this.fail(this.#failureOf(error));
  }

  #failureOf(error: Error): Error {
    const { uses = 0, followsHead = false } = this.#connection ?? {};
    const failure = failureOf(this, { phase: this.#connectionPhase, isReused: uses > 1, followsHead }, error);
    if (failure.cause instanceof BodyAfterHead) this.host.sendsBodyToHead = true;
    return failure;
  }

  /** Whether nothing else tells where the body ends. */
  get #endsWithConnection(): boolean {
    const { "content-length": length, "transfer-encoding": coding } = this.headers;
    return length === undefined && !String(coding).toLowerCase().endsWith("chunked");
  }

  get #connectionPhase(): ConnectionPhase {
    if (this.state === "body") return "response";
    return this.#isConnecting ? "connect" : "request";
  }

  #isTooLong(announced: string | string[] | undefined): boolean {
    const { maxBodyBytes } = this.order;
    return maxBodyBytes !== Infinity && Number(announced) > maxBodyBytes && this.method !== "HEAD";
  }

  #tooLarge(): BodyTooLargeError {
    return new BodyTooLargeError(this, "the body", this.order.maxBodyBytes);
  }

  /** The headers have come. */
  protected abstract headersCame(): void;
  /** More of the body has come, as the caller wants it. It stays valid. */
  abstract decoded(chunk: Buffer): void;
  /** All of the body has come. */
  abstract decodedAll(): void;
  /** It failed. Called once, and not after {@link decodedAll}. */
  protected abstract failed(error: unknown): void;

  // Its body, on the way from the wire to the caller.

  /** Whether a short body may wait until all of it has come. */
  protected get isBodyAtOnce(): boolean {
    const { "content-length": length } = this.headers;
    return Number(length) <= shortBytes;
  }

  #openDecoder(): void {
    // A part of what was compressed cannot be undone.
    const codings = this.status === 206 ? [] : codingsOf(this.headers);
    checkCodings(codings, this);
    const { maxBodyBytes: maxBytes } = this.order;
    if (codings.length > 0) this.decoder = new Decoder(codings, this, { maxBytes, isAtOnce: this.isBodyAtOnce });
  }

  /** Makes the server wait. Meanwhile its silence is no fault of its own. */
  pauseWire(): void {
    this.stopPhase();
    this.#control?.pause();
  }

  resumeWire(): void {
    if (this.state !== "body") return;
    this.startPhase("idle");
    const control = this.#control;
    // Reading on is the work of the socket, not of the task that happens to want more.
    outside(() => control?.resume());
  }

  decodingFailed(error: Error): void {
    if (this.state === "over") this.failed(error);
    else this.fail(error);
  }

  // Its end.

  /** Ends it with an error, and closes its connection. */
  fail(error: unknown): void {
    if (this.state === "over") return;
    this.#takeBack(false);
    this.failed(error);
  }

  sessionClosed(): void {
    this.fail(new SessionClosedError(this));
  }

  /** Cancelled: nothing of it may go on. */
  protected override leave(): void {
    this.abandon();
  }

  /** Cancelled, or of no more use: it says nothing of the host. */
  abandon(): void {
    if (this.state === "over") this.decoder?.destroy();
    else this.#takeBack(undefined);
  }

  /** The connection has become something else than HTTP, and is not the pool's any more. */
  protected detach(): void {
    const connection = this.#connection!;
    this.#connection = undefined;
    this.transport.pool.drop(connection);
    this.#close(true);
  }

  /** Takes it out of line, or off the wire. */
  #takeBack(isOk: false | undefined): void {
    const { state, host } = this;
    this.state = "over";
    this.decoder?.destroy();
    if (state === "queued") {
      this.transport.slots.withdraw(this);
      this.transport.pool.release(host);
      this.#settleAround(isOk);
      return;
    }
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) this.transport.pool.drop(connection);
    this.#close(isOk);
  }

  #close(isOk: boolean | undefined): void {
    this.state = "over";
    this.#control = undefined;
    this.stopTime();
    this.#settleAround(isOk);
    this.transport.slots.leave(this.host);
    this.transport.pool.release(this.host);
  }

  #settleAround(isOk: boolean | undefined): void {
    const { body } = this.order.wire;
    if (body instanceof Upload) body.close();
    const { permit } = this;
    if (permit === undefined) return;
    this.permit = undefined;
    if (isOk !== undefined && this.startedMs > 0) {
      permit.report({ ok: isOk && this.status < 500 && this.status !== 429, ms: this.clock.now() - this.startedMs });
    }
    permit.release();
  }

  protected override timedOut(phase: TimeoutPhase): void {
    const proxy = phase === "connect" ? this.host.route.proxy?.name : undefined;
    this.fail(new HttpTimeoutError(this, phase, this.timeouts[`${phase}Ms`], proxy));
  }
}

/** A body that is not worth being read piece by piece. */
const shortBytes = 16 * 1024;
const noHeaders: WireHeaders = Object.freeze({});
