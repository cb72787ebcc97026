import { type OpenConnection, PeerGone } from "./fault-connection.ts";
import { type Header, encodeHeaders } from "./fault-hpack.ts";
import { flags, frameTypes, maxPayloadBytes, moreRoom, words, writeFrame } from "./fault-frames.ts";
import type { Http2Windows } from "./fault-http2-windows.ts";
import type { FaultRecord } from "./fault-record.ts";
import type { SeenRequest } from "./fault-request.ts";
import type { FaultEnding, FaultHead } from "./fault-script.ts";
import { AnswerEnded, OpenWire, listHeaders, toBytes } from "./fault-wire.ts";

/** Headers of HTTP/1 that HTTP/2 does not know: it has its own ways of ending things. */
const ofHttp1 = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);

/** A stream of HTTP/2: the server's side of one request. */
export class Http2Stream extends OpenWire {
  readonly streamId: number;
  readonly request: SeenRequest;
  readonly gone: Promise<never>;
  readonly #connection: OpenConnection;
  readonly #windows: Http2Windows;
  readonly #record: FaultRecord;
  readonly #received = Promise.withResolvers<void>();
  readonly #loseHope: (error: PeerGone) => void;
  /** What has come of the body before anybody wanted to read it. */
  readonly #unread: Buffer[] = [];
  #isReceiving = false;
  #hasAll = false;
  #ownState: "open" | "ended" | "gone" = "open";

  constructor(
    streamId: number,
    connection: OpenConnection,
    windows: Http2Windows,
    request: SeenRequest,
    record: FaultRecord,
  ) {
    super();
    this.streamId = streamId;
    this.#connection = connection;
    this.#windows = windows;
    this.request = request;
    this.#record = record;
    const gone = Promise.withResolvers<never>();
    this.gone = gone.promise;
    this.#loseHope = gone.reject;
    // Often nobody is there to hear it.
    this.gone.catch(() => {});
    this.#received.promise.catch(() => {});
    connection.gone.catch(() => this.lost());
  }

  get state(): "open" | "ended" | "gone" {
    if (this.#ownState !== "open") return this.#ownState;
    // What has ended the connection was the fault of another stream.
    return this.#connection.state === "open" ? "open" : "gone";
  }

  /** The client has given it up, or has gone altogether. */
  lost(): void {
    if (this.#ownState === "open") this.#ownState = "gone";
    this.#loseHope(new PeerGone());
    this.#received.reject(new PeerGone());
  }

  /** Data of the request has come, and maybe the last. */
  came(bytes: Buffer, isLast: boolean): void {
    this.#unread.push(bytes);
    this.#hasAll ||= isLast;
    if (this.#isReceiving) this.#read();
  }

  receive(): void {
    if (this.#isReceiving) return;
    this.#isReceiving = true;
    this.#read();
  }

  /** The client may send as much as the window of the stream lets it. */
  leaveUnread(): void {}

  async received(): Promise<void> {
    this.receive();
    await this.#received.promise;
  }

  async head({ status = 200, headers }: FaultHead): Promise<void> {
    const block = encodeHeaders([[":status", `${status}`], ...flatten(headers)]);
    const frames: Buffer[] = [];
    for (let at = 0; at === 0 || at < block.length; at += maxPayloadBytes) {
      const type = at === 0 ? frameTypes.headers : frameTypes.continuation;
      const flag = at + maxPayloadBytes >= block.length ? flags.endHeaders : 0;
      frames.push(writeFrame(type, this.streamId, block.subarray(at, at + maxPayloadBytes), flag));
    }
    // In one piece, however slowly the rest is sent: no other frame may come in between.
    await this.write(Buffer.concat(frames), "headers", Infinity);
  }

  body(bytes: string | Uint8Array): Promise<void> {
    return this.write(toBytes(bytes), "body");
  }

  async finish(): Promise<void> {
    await this.raw(writeFrame(frameTypes.data, this.streamId, undefined, flags.endStream));
  }

  async raw(bytes: string | Uint8Array): Promise<void> {
    if (this.state === "ended") throw new AnswerEnded();
    await this.send(toBytes(bytes), "headers");
  }

  async end(how: FaultEnding): Promise<void> {
    this.#ownState = "ended";
    await this.#connection.end(how);
  }

  endOnNextRequest(how: FaultEnding): void {
    this.#connection.endOnNext = how;
  }

  async resetStream(code: number): Promise<void> {
    await this.raw(writeFrame(frameTypes.resetStream, this.streamId, words(code)));
    this.#ownState = "ended";
  }

  /** Data takes as many frames as the windows of the client have it. */
  protected async send(bytes: Uint8Array, part: "headers" | "body"): Promise<void> {
    if (this.state !== "open") throw new PeerGone();
    if (part === "headers") return this.#connection.send(bytes);
    for (let rest = bytes; rest.length > 0;) {
      const length = await this.#windows.take(this.streamId, Math.min(rest.length, maxPayloadBytes));
      if (length === 0 || this.state !== "open") throw new PeerGone();
      await this.#connection.send(writeFrame(frameTypes.data, this.streamId, rest.subarray(0, length)));
      rest = rest.subarray(length);
    }
  }

  /** Takes what has come into the record, and lets the client send as much again. */
  #read(): void {
    for (const bytes of this.#unread.splice(0)) {
      this.#record.bodyCame(this.request, bytes);
      if (bytes.length > 0 && !this.#hasAll) this.#connection.tell(moreRoom(this.streamId, bytes.length));
    }
    if (!this.#hasAll || this.request.isComplete) return;
    this.#record.bodyEnded(this.request);
    this.#received.resolve();
  }
}

/** In small letters, without those that only HTTP/1 has. */
function flatten(headers: FaultHead["headers"]): Header[] {
  const listed = listHeaders(headers).map(([name, value]): Header => [name.toLowerCase(), value]);
  return listed.filter(([name]) => !ofHttp1.has(name));
}
