import type { ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader, OutgoingHttpHeaders } from "node:http2";
import type { FlowControl, WireHandler, WireHeaders, WireRequest } from "../undici.ts";
import type { Http2End, Http2Session } from "./http2-session.ts";

/** Codes of RST_STREAM, in their order. */
const codes: readonly string[] = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];
const noError = codes.indexOf("NO_ERROR");
const refusedStream = codes.indexOf("REFUSED_STREAM");
const cancel = codes.indexOf("CANCEL");

/** Headers that HTTP/2 has other means for, or that belong to a connection. */
const notForHttp2: ReadonlySet<string> = new Set(["host", "connection", "proxy-connection", "te", "http2-settings"]);

/** The end of a stream that was not the end of its response. */
class StreamError extends Error {
  readonly code: string;
  /** Whether the server has not looked at the request. */
  readonly isUnprocessed: boolean;

  constructor(what: string, code: string, isUnprocessed: boolean, cause: Error | undefined) {
    super(isUnprocessed ? `${what} (the server has not processed the request)` : what, cause && { cause });
    this.code = code;
    this.isUnprocessed = isUnprocessed;
  }
}

/** What is to be sent is not what it says to be: servers close the connection for that, which others share. */
class LengthMismatch extends Error {
  readonly code = "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH";

  constructor() {
    super("the body is not as long as its content-length says");
  }
}

/** One request and its response as a stream of an HTTP/2 connection. Closing it leaves the connection to the others. */
export class Http2Stream implements FlowControl {
  readonly #session: Http2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #handler: WireHandler;
  #isOver = false;
  #isSent = false;
  #hasResponded = false;
  #error: Error | undefined = undefined;
  /** Bytes of the body still to come, if the server has said how many. */
  #bytesLeft: number | undefined = undefined;

  constructor(session: Http2Session, origin: string, request: WireRequest, handler: WireHandler) {
    this.#session = session;
    this.#handler = handler;
    const sent = headersOf(origin, request);
    const length = announce(sent, request.body);
    const stream = session.request(sent, request.body !== null);
    this.#stream = stream;
    stream.on("response", (headers) => this.#responded(request.method, headers));
    stream.on("data", (chunk: Buffer) => this.#came(chunk));
    stream.on("end", () => this.#ended());
    stream.on("error", (error) => (this.#error = error));
    stream.on("close", () => this.#failed());
    handler.onRequestStart(this);
    void this.#send(request.body, length);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Ends it, whatever goes on. Nothing more is told. */
  close(): void {
    if (this.#isOver) return;
    this.#session.giveUp();
    this.#leave();
    this.#stream.close(cancel);
  }

  /** @param length - as it was announced; NaN if it was not */
  async #send(body: WireRequest["body"], length: number): Promise<void> {
    if (!isStreamed(body)) {
      this.#isSent = true;
      if (body !== null) this.#stream.end(body);
      return;
    }
    let bytes = 0;
    try {
      for await (const piece of body) {
        if (this.#isOver) return;
        bytes += Buffer.byteLength(piece);
        if (bytes > length) throw new LengthMismatch();
        if (piece.length > 0 && !this.#stream.write(piece)) await this.#drained();
      }
      if (bytes < length) throw new LengthMismatch();
      this.#isSent = true;
      this.#stream.end();
    } catch (error) {
      if (!this.#leave()) return;
      this.#stream.close(cancel);
      this.#handler.onResponseError(this, error as Error);
    }
  }

  /** Waits until the connection takes more, or the stream is closed. */
  #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stream = this.#stream.once("drain", resolve).once("close", resolve);
    if (stream.destroyed) resolve();
    return promise.finally(() => stream.off("drain", resolve).off("close", resolve));
  }

  #responded(method: string, headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    if (this.#isOver) return;
    this.#session.heard();
    this.#hasResponded = true;
    const status = headers[":status"] ?? 0;
    const length = headers["content-length"];
    if (length !== undefined && method !== "HEAD" && status !== 304) this.#bytesLeft = Number(length);
    this.#handler.onResponseStart(this, status, wireHeaders(headers));
  }

  #came(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#session.heard();
    if (this.#bytesLeft !== undefined) this.#bytesLeft -= chunk.length;
    this.#handler.onResponseData(this, chunk);
  }

  #ended(): void {
    // After a reset Node reports an end too. Without a code it looks like any other, unless more was announced.
    const isReset = (this.#stream.rstCode ?? noError) !== noError || this.#stream.aborted;
    const isWhole = this.#hasResponded && (this.#bytesLeft ?? 0) === 0;
    if (isReset || !isWhole || !this.#leave(true)) return;
    // The server has answered without wanting all of the request.
    if (!this.#isSent) this.#stream.close(noError);
    this.#handler.onResponseEnd(this);
  }

  #failed(): void {
    if (this.#leave()) this.#handler.onResponseError(this, this.#reason());
  }

  #reason(): Error {
    const code = this.#stream.rstCode ?? noError;
    const isUnprocessed = code === refusedStream || this.#session.hasIgnored(this.#stream);
    const { end } = this.#session;
    // Node resets all streams of a connection that ends, with codes of its own.
    if (end !== undefined && code !== refusedStream) return brokenBy(end, isUnprocessed, this.#error);
    const what = code === noError ? "the server ended the stream too early" : `the stream was reset: ${nameOf(code)}`;
    return new StreamError(what, `HTTP2_${nameOf(code)}`, isUnprocessed, this.#error);
  }

  /** Gives its place back. False if it has already. */
  #leave(hasAll = false): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#session.leave(hasAll);
    return true;
  }
}

function brokenBy(end: Http2End, isUnprocessed: boolean, own: Error | undefined): Error {
  const { error = own, wasShared, goAwayCode } = end;
  if (goAwayCode !== noError) {
    const name = nameOf(goAwayCode);
    return new StreamError(`the server closed the connection: ${name}`, `HTTP2_${name}`, isUnprocessed, error);
  }
  const { code = "" } = (error ?? {}) as { code?: string };
  if (code === "ERR_HTTP2_ERROR" && wasShared) {
    return new StreamError("one of several answers was no HTTP/2", "HTTP2_SHARED", isUnprocessed, error);
  }
  // What was no HTTP/2 is no broken connection, and what the socket says is best said as it is.
  if (error !== undefined && (code === "ERR_HTTP2_ERROR" || /^E(?!RR_)/.test(code))) return error;
  return new StreamError("the connection was closed", "ECONNRESET", isUnprocessed, error);
}

function nameOf(code: number): string {
  return codes[code] ?? String(code);
}

function headersOf(origin: string, { method, path, headers }: WireRequest): OutgoingHttpHeaders {
  const colon = origin.indexOf(":");
  const all: Record<string, string | string[]> = {
    ":method": method,
    ":scheme": origin.slice(0, colon),
    ":authority": origin.slice(colon + "://".length),
    ":path": path,
  };
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i]!, headers[i + 1]!];
    const others = all[name];
    if (name === "host") all[":authority"] = value;
    if (notForHttp2.has(name)) continue;
    if (others === undefined) all[name] = value;
    else if (Array.isArray(others)) others.push(value);
    else all[name] = [others, value];
  }
  return all;
}

/**
 * Has `headers` say how long a body is of which all is there. Returns the length that they say; NaN if none.
 *
 * @throws {LengthMismatch} they say another
 */
function announce(headers: OutgoingHttpHeaders, body: WireRequest["body"]): number {
  const announced = headers["content-length"];
  if (isStreamed(body)) return announced === undefined ? Number.NaN : Number(announced);
  const length = body === null ? 0 : Buffer.byteLength(body);
  if (announced !== undefined && Number(announced) !== length) throw new LengthMismatch();
  if (body !== null) headers["content-length"] ??= String(length);
  return length;
}

function isStreamed(body: WireRequest["body"]): body is AsyncIterable<string | Uint8Array> {
  return body !== null && typeof body !== "string" && !(body instanceof Uint8Array);
}

function wireHeaders(headers: IncomingHttpHeaders): WireHeaders {
  const plain: WireHeaders = {};
  for (const [name, value] of Object.entries(headers)) if (!name.startsWith(":")) plain[name] = value;
  return plain;
}
