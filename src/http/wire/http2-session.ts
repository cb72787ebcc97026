import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import { realClock } from "../../core/index.ts";

/** Bytes of one body, and of all together, that may be under way unread. Node's 64 KB would slow down long distances. */
const streamWindowBytes = 256 * 1024;
const connectionWindowBytes = 8 * 1024 * 1024;
/** After so long without a byte a request that is given up makes its connection doubtful. */
const silenceMs = 1_000;

/** How a connection ended. */
export interface Http2End {
  /** Of its socket, or of what came over it. */
  readonly error: Error | undefined;
  /** Whether several requests were on their way. */
  readonly wasShared: boolean;
  /** The code the server went away with, 0 for none. */
  readonly goAwayCode: number;
}

/** Whom a session tells how it goes. */
export interface Http2SessionOwner {
  /** It takes requests, as many as it `hasRoom` for. */
  sessionReady(session: Http2Session): void;
  /** Nothing more goes over it. The error is that of the connection, if it had one. */
  sessionEnded(session: Http2Session, error: Error | undefined): void;
}

/**
 * One connection that speaks HTTP/2.
 *
 *     opening ── settings of the server ──> ready ── GOAWAY, close() ──> closing
 *        └──────── closed by either side ─────┴──────────────────────────────┴──> ended
 *
 * It waits for the settings because they say how many requests the server takes at once: those above it are refused.
 */
export class Http2Session {
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #closed = Promise.withResolvers<void>();
  #isReady = false;
  #error: Error | undefined = undefined;
  /** Whether several requests were on their way when it broke: nobody knows whose fault it was. */
  #wasShared: boolean | undefined = undefined;
  /** The last stream that the server says it has looked at, and why it goes away. */
  #lastStream = Infinity;
  #goAwayCode = 0;
  /** Requests on their way. */
  #streams = 0;
  /** Requests that it has been used for. */
  uses = 0;
  /** What has come so far, as far as it was looked at. */
  #heardBytes = -1;
  /** Since when nothing has come although something should. Infinity while nothing has to come. */
  #silentSinceMs = Infinity;
  #wasGivenUp = false;

  constructor(origin: string, socket: Socket, keepAliveMs: number, owner: Http2SessionOwner) {
    // Loaded only where it is needed: few speak it.
    const { connect } = process.getBuiltinModule("node:http2");
    const settings = { enablePush: false, initialWindowSize: streamWindowBytes };
    const session = connect(origin, { createConnection: () => socket, settings });
    this.#session = session;
    this.#socket = socket;
    session.once("remoteSettings", () => {
      this.#isReady = true;
      session.setLocalWindowSize(connectionWindowBytes);
      if (keepAliveMs < 2 ** 31) session.setTimeout(keepAliveMs, () => this.#closeIfIdle());
      owner.sessionReady(this);
      if (this.#streams === 0) session.unref();
    });
    session.on("goaway", (code, lastStream) => {
      this.#lastStream = lastStream;
      this.#goAwayCode = code;
      if (this.#streams === 0) this.destroy();
    });
    session.on("error", (error: Error) => (this.#error = error));
    session.once("close", () => {
      this.#closed.resolve();
      owner.sessionEnded(this, this.#error);
    });
  }

  /** Whether it takes one more request. */
  get hasRoom(): boolean {
    const { closed, destroyed, remoteSettings } = this.#session;
    if (!this.#isReady || closed || destroyed || this.#isDoubtful) return false;
    return this.#streams < (remoteSettings.maxConcurrentStreams ?? Infinity);
  }

  get isIdle(): boolean {
    return this.#isReady && this.#streams === 0 && !this.#session.destroyed;
  }

  /** Why it broke. Undefined if it did not. */
  get end(): Http2End | undefined {
    if (!this.#session.destroyed) return undefined;
    return { error: this.#error, wasShared: this.#wasShared === true, goAwayCode: this.#goAwayCode };
  }

  /** Starts a request. Its place is given back with {@link leave}. */
  request(headers: OutgoingHttpHeaders, hasBody: boolean): ClientHttp2Stream {
    const stream = this.#session.request(headers, { endStream: !hasBody });
    if (this.#streams++ === 0) this.#session.ref();
    this.uses++;
    this.heard();
    this.#silentSinceMs = Math.min(this.#silentSinceMs, realClock.now());
    return stream;
  }

  /** Something has come, or may have. */
  heard(): void {
    const { bytesRead } = this.#socket;
    if (bytesRead === this.#heardBytes) return;
    this.#heardBytes = bytesRead;
    this.#silentSinceMs = realClock.now();
    this.#wasGivenUp = false;
  }

  /**
   * A request is about to leave that is not over. A connection may be dead without anybody having said so: where nothing
   * has come over it for a while, no other request is to meet the same. It is asked for a sign of life, and closed if
   * nobody else uses it, as one of HTTP/1.1 would be.
   */
  giveUp(): void {
    this.heard();
    if (realClock.now() - this.#silentSinceMs < silenceMs) return;
    if (!this.#isDoubtful && this.#streams > 1 && !this.#session.destroyed) this.#session.ping(() => {});
    this.#wasGivenUp = true;
  }

  get #isDoubtful(): boolean {
    return this.#wasGivenUp && this.#socket.bytesRead === this.#heardBytes;
  }

  /** @param isOver - whether all of its response has come */
  leave(isOver: boolean): void {
    // Streams hear of it before the connection does.
    if (this.#session.destroyed) this.#wasShared ??= this.#streams > 1;
    if (--this.#streams > 0) return;
    if (isOver) this.#silentSinceMs = Infinity;
    if (this.#session.closed || this.#isDoubtful) this.destroy();
    else this.#session.unref();
  }

  /** Whether the server has said that it has not looked at the stream. */
  hasIgnored(stream: ClientHttp2Stream): boolean {
    return stream.id === undefined || stream.id > this.#lastStream;
  }

  /** Closes it at once. */
  destroy(): void {
    this.#session.destroy();
    // After GOAWAY Node would wait for the server to close its side, which may take as long as it likes.
    this.#socket.destroy();
  }

  /** Closes it at once, and waits until its socket is closed. */
  close(): Promise<void> {
    this.destroy();
    return this.#closed.promise;
  }

  #closeIfIdle(): void {
    if (this.#streams === 0) this.destroy();
  }
}
