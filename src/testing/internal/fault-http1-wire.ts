import { STATUS_CODES } from "node:http";
import type { OpenConnection } from "./fault-connection.ts";
import { RequestBody } from "./fault-http1-body.ts";
import type { ByteReader } from "./fault-reader.ts";
import type { SeenRequest } from "./fault-request.ts";
import type { FaultEnding, FaultHead } from "./fault-script.ts";
import { OpenWire, listHeaders, notHttp2, toBytes } from "./fault-wire.ts";

/** The server's side of one request of HTTP/1. */
export class Http1Wire extends OpenWire {
  readonly request: SeenRequest;
  readonly streamId = 0;
  readonly #connection: OpenConnection;
  readonly #reader: ByteReader;
  readonly #body: RequestBody;
  #framing: "length" | "chunked" | "close" = "length";

  constructor(connection: OpenConnection, reader: ByteReader, request: SeenRequest, body: RequestBody) {
    super();
    this.#connection = connection;
    this.#reader = reader;
    this.request = request;
    this.#body = body;
  }

  get state(): "open" | "ended" | "gone" {
    return this.#connection.state;
  }

  get gone(): Promise<never> {
    return this.#connection.gone;
  }

  /** Whether the connection can serve another request, as far as the client is concerned. */
  get isReusable(): boolean {
    const { version, headers } = this.request;
    const wish = headers["connection"]?.toLowerCase() ?? "";
    if (this.#body.isAwaitingConsent) return false;
    return version === "1.0" ? wish.includes("keep-alive") : !wish.includes("close");
  }

  receive(): void {
    void this.#body.read();
  }

  leaveUnread(): void {
    this.#reader.pause();
  }

  async received(): Promise<void> {
    if (this.#body.isAwaitingConsent) await this.raw("HTTP/1.1 100 Continue\r\n\r\n");
    await this.#body.read();
  }

  async head({ status = 200, reason, version = "1.1", headers = {}, framing = "length" }: FaultHead): Promise<void> {
    this.#framing = framing;
    const lines = [`HTTP/${version} ${status} ${reason ?? STATUS_CODES[status] ?? "Unknown"}`];
    for (const [name, value] of listHeaders(headers)) lines.push(`${name}: ${value}`);
    await this.write(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), "headers");
  }

  async body(bytes: string | Uint8Array): Promise<void> {
    const piece = toBytes(bytes);
    if (this.#framing !== "chunked") return this.write(piece, "body");
    // A chunk of no bytes would be the last one.
    if (piece.length === 0) return;
    const size = Buffer.from(`${piece.length.toString(16)}\r\n`);
    await this.write(Buffer.concat([size, piece, Buffer.from("\r\n")]), "body");
  }

  async finish(): Promise<void> {
    if (this.#framing === "chunked") await this.write(Buffer.from("0\r\n\r\n"), "body");
    if (this.#framing === "close") await this.end("close");
  }

  raw(bytes: string | Uint8Array): Promise<void> {
    return this.write(toBytes(bytes), "body");
  }

  end(how: FaultEnding): Promise<void> {
    return this.#connection.end(how);
  }

  endOnNextRequest(how: FaultEnding): void {
    this.#connection.endOnNext = how;
  }

  async resetStream(): Promise<never> {
    throw notHttp2();
  }

  protected send(bytes: Uint8Array): Promise<void> {
    return this.#connection.send(bytes);
  }
}
