/** A client that knows nothing of HTTP: what it sends is written by hand, and what comes is there byte by byte. */
import { type Socket, connect } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

/** How a connection ended: by a FIN of the server, or with the code of an error. */
export type RawEnd = "FIN" | (string & {});

export class RawClient implements Disposable {
  readonly socket: Socket;
  /** Everything that has come and was not taken, as latin1. */
  received = "";
  /** How it ended, from the server or by an error; undefined until then. */
  end: RawEnd | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
      this.#tell();
    });
    socket.on("end", () => this.#ended("FIN"));
    socket.on("error", (error) => this.#ended((error as NodeJS.ErrnoException).code ?? error.message));
    socket.on("close", () => this.#ended("closed here"));
  }

  /** Everything that came up to the end, and how that was. */
  async all(): Promise<{ received: string; end: RawEnd }> {
    while (this.end === undefined) await this.#changed.promise;
    return { received: this.received, end: this.end };
  }

  /** Waits until `text` has come, and takes everything up to its end. */
  async take(text: string): Promise<string> {
    for (;;) {
      const at = this.received.indexOf(text);
      if (at !== -1) return this.takeBytes(at + text.length);
      if (this.end !== undefined) throw new Error(`${this.end} before ${JSON.stringify(text)} came: ${this.received}`);
      await this.#changed.promise;
    }
  }

  /** Waits until so many bytes have come, and takes them. */
  async takeBytes(count: number): Promise<string> {
    while (this.received.length < count) {
      if (this.end !== undefined) throw new Error(`${this.end} before ${count} bytes came: ${this.received}`);
      await this.#changed.promise;
    }
    const taken = this.received.slice(0, count);
    this.received = this.received.slice(count);
    return taken;
  }

  send(text: string | Uint8Array): this {
    this.socket.write(text);
    return this;
  }

  /** Asks for something by a GET. */
  get(target = "/"): this {
    return this.send(`GET ${target} HTTP/1.1\r\nhost: test\r\n\r\n`);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #ended(how: RawEnd): void {
    this.end ??= how;
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** A connection to the host and port of `url`. */
export function rawClient(url: string): RawClient {
  const { hostname, port } = new URL(url);
  return new RawClient(connect({ host: hostname, port: Number(port), noDelay: true }));
}

/** The same, through TLS. What the handshake fails with is how it ends. */
export function rawTlsClient(url: string, options: ConnectionOptions): RawClient {
  const { hostname, port } = new URL(url);
  return new RawClient(connectTls({ host: hostname, port: Number(port), ...options }));
}

/** Asks once, says that it will not ask again, and returns all that came and how it ended. */
export async function rawAnswer(url: string, target = "/", method = "GET"): Promise<{ received: string; end: RawEnd }> {
  using client = rawClient(url);
  client.send(`${method} ${target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n`);
  return await client.all();
}
