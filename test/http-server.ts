/** Servers for tests of HTTP: one whose every byte the test writes by hand, and one that answers by itself. */
import { once } from "node:events";
import { type RequestListener, createServer as createHttpServer } from "node:http";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";

/** One connection, seen from the server. */
export class Peer {
  readonly socket: Socket;
  /** Everything that has come, as latin1. */
  received = "";
  /** Resolved when the connection is closed, from whichever side. */
  readonly closed: Promise<void>;
  isClosed = false;
  #changed = Promise.withResolvers<void>();

  constructor(socket: Socket, isRead: boolean) {
    this.socket = socket;
    socket.on("error", () => {}); // A reset is one way to close.
    if (isRead) {
      socket.on("data", (bytes) => {
        this.received += bytes.toString("latin1");
        this.#tell();
      });
    }
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.isClosed = true;
        this.#tell();
        resolve();
      });
    });
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Waits until `text` has come, and takes everything up to its end. */
  async take(text: string): Promise<string> {
    for (;;) {
      const at = this.received.indexOf(text);
      if (at !== -1) {
        const taken = this.received.slice(0, at + text.length);
        this.received = this.received.slice(at + text.length);
        return taken;
      }
      if (this.isClosed) throw new Error(`the connection was closed before ${JSON.stringify(text)} came`);
      await this.#changed.promise;
    }
  }

  /** Waits for a request without a body, or for the head of one. */
  head(): Promise<string> {
    return this.take("\r\n\r\n");
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  /** Sends a whole response. */
  respond(body = "", head = "HTTP/1.1 200 OK"): void {
    this.send(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }
}

/** A server on a port of its own, which is gone at the end of the block. */
export class TestServer implements AsyncDisposable {
  readonly origin: string;
  readonly peers: Peer[] = [];
  readonly #server: Server;
  readonly #arrivals: Peer[] = [];
  #arrived = Promise.withResolvers<void>();

  constructor(server: Server, isRead: boolean) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket: Socket) => {
      const peer = new Peer(socket, isRead);
      this.peers.push(peer);
      this.#arrivals.push(peer);
      this.#arrived.resolve();
    });
  }

  url(path: string): string {
    return this.origin + path;
  }

  /** The next connection that comes in. */
  async accept(): Promise<Peer> {
    for (;;) {
      const peer = this.#arrivals.shift();
      if (peer !== undefined) return peer;
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  /** When all connections are closed that have been opened until now, those included that were not accepted yet. */
  async untilClosed(): Promise<void> {
    // They are accepted in turn: when this one is, so are those before it.
    const last = connect(Number(new URL(this.origin).port), "127.0.0.1");
    await once(last, "connect");
    while (!this.peers.some(({ socket }) => socket.remotePort === last.localPort)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    last.destroy();
    await Promise.all(this.peers.map(({ closed }) => closed));
  }

  /** Accepts connections no more. */
  stopListening(): void {
    this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.peers) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A server that does what the test does with its peers. */
export async function rawServer(port: number = 0): Promise<TestServer> {
  const server = createServer({ noDelay: true });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return new TestServer(server, true);
}

/** A server that answers each request with `answer`. */
export async function httpServer(answer: RequestListener): Promise<TestServer> {
  const server = createHttpServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new TestServer(server, false);
}
