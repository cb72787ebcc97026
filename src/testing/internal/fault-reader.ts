import type { Socket } from "node:net";
import { NotHttp } from "./fault-connection.ts";

/** When more than this has come that nobody has asked for, the client is made to wait. */
const maxAheadBytes = 2 ** 18;

/** Reads a connection in the order in which bytes came, for one reader at a time. */
export class ByteReader {
  readonly #stream: Socket;
  #held: Buffer = Buffer.alloc(0);
  #isEnded = false;
  #isDiscarding = false;
  #changed = Promise.withResolvers<void>();

  constructor(stream: Socket) {
    this.#stream = stream;
    stream.on("data", (bytes: Buffer) => this.#came(bytes));
    for (const event of ["end", "error", "close"]) stream.on(event, () => this.#end());
  }

  /** Reads no more, so that the client cannot send when the buffers on the way are full. Nobody hears of its end, too. */
  pause(): void {
    this.#stream.pause();
  }

  /** Reads on, and drops it all: to hear of the end. */
  discard(): void {
    this.#isDiscarding = true;
    this.#held = Buffer.alloc(0);
    this.#stream.resume();
  }

  /** Waits for bytes; false at the end. */
  async any(): Promise<boolean> {
    while (this.#held.length === 0) if (!(await this.#more())) return false;
    return true;
  }

  /** Whatever has come, or the next that does, up to `maxBytes`; undefined at the end. */
  async some(maxBytes: number): Promise<Buffer | undefined> {
    return (await this.any()) ? this.#take(Math.min(maxBytes, this.#held.length)) : undefined;
  }

  /** So many bytes; undefined if the end comes first. */
  async exactly(bytes: number): Promise<Buffer | undefined> {
    while (this.#held.length < bytes) if (!(await this.#more())) return undefined;
    return this.#take(bytes);
  }

  /**
   * Everything up to and with `marker`; undefined if the end comes first.
   *
   * @throws {NotHttp} there is none within `maxBytes`
   */
  async through(marker: string, maxBytes: number): Promise<Buffer | undefined> {
    for (let from = 0; ;) {
      const at = this.#held.indexOf(marker, from);
      if (at !== -1) return this.#take(at + marker.length);
      if (this.#held.length > maxBytes) throw new NotHttp(`lines of more than ${maxBytes} bytes`);
      from = Math.max(0, this.#held.length - marker.length);
      if (!(await this.#more())) return undefined;
    }
  }

  #take(bytes: number): Buffer {
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    return taken;
  }

  /** Waits for more than is held; false at the end. */
  async #more(): Promise<boolean> {
    if (this.#isEnded) return false;
    this.#stream.resume();
    await this.#changed.promise;
    return !this.#isEnded || this.#held.length > 0;
  }

  #came(bytes: Buffer): void {
    if (this.#isDiscarding) return;
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    if (this.#held.length > maxAheadBytes) this.#stream.pause();
    this.#tell();
  }

  #end(): void {
    this.#isEnded = true;
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
