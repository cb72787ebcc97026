import { NotHttp, PeerGone } from "./fault-connection.ts";
import type { ByteReader } from "./fault-reader.ts";
import type { FaultRecord } from "./fault-record.ts";
import type { SeenRequest } from "./fault-request.ts";

const maxLineBytes = 2 ** 14;
const maxPieceBytes = 2 ** 16;

/** The body of one request of HTTP/1, read once. */
export class RequestBody {
  readonly #reader: ByteReader;
  readonly #request: SeenRequest;
  readonly #record: FaultRecord;
  #reading: Promise<void> | undefined;

  constructor(reader: ByteReader, request: SeenRequest, record: FaultRecord) {
    this.#reader = reader;
    this.#request = request;
    this.#record = record;
  }

  /** Whether the client waits to be told that it may send the body. */
  get isAwaitingConsent(): boolean {
    const expects = this.#request.headers["expect"]?.toLowerCase() === "100-continue";
    return expects && !this.#request.isComplete && this.#request.bodyBytes === 0;
  }

  /** Reads all of it into the record of the request. Rejects with NotHttp, or with PeerGone when the client goes. */
  read(): Promise<void> {
    if (this.#reading === undefined) {
      this.#reading = this.#readAll();
      // Who needs it asks for it again.
      this.#reading.catch(() => {});
    }
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    const { "content-length": length, "transfer-encoding": coding } = this.#request.headers;
    if (coding !== undefined && length !== undefined) throw new NotHttp("both Transfer-Encoding and Content-Length");
    if (coding !== undefined && coding.toLowerCase() !== "chunked") throw new NotHttp(`Transfer-Encoding: ${coding}`);
    if (length !== undefined && !/^\d+$/.test(length)) throw new NotHttp(`Content-Length: ${length}`);
    if (coding !== undefined) await this.#readChunks();
    else await this.#readBytes(Number(length ?? 0));
    this.#record.bodyEnded(this.#request);
  }

  async #readBytes(length: number): Promise<void> {
    for (let left = length; left > 0;) {
      const piece = await this.#reader.some(Math.min(left, maxPieceBytes));
      if (piece === undefined) throw new PeerGone();
      left -= piece.length;
      this.#record.bodyCame(this.#request, piece);
    }
  }

  async #readChunks(): Promise<void> {
    for (;;) {
      const size = /^([\da-f]{1,8})[ \t]*(;.*)?$/i.exec(await this.#readLine())?.[1];
      if (size === undefined) throw new NotHttp("a chunk without its size");
      if (Number.parseInt(size, 16) === 0) break;
      await this.#readBytes(Number.parseInt(size, 16));
      if ((await this.#readLine()) !== "") throw new NotHttp("a chunk that is longer than its size");
    }
    while ((await this.#readLine()) !== ""); // Trailers.
  }

  async #readLine(): Promise<string> {
    const line = await this.#reader.through("\r\n", maxLineBytes);
    if (line === undefined) throw new PeerGone();
    return line.toString("latin1").slice(0, -2);
  }
}
