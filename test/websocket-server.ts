/** A WebSocket server for tests, of the package ws. */
import { type IncomingMessage, type Server, createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { certificate, privateKey } from "./http-certificate.ts";

/** What the server does with each client. */
export type Serve = (client: WebSocket, request: IncomingMessage) => void;

/** A server on a port of its own, which is gone at the end of the block. */
export class TestWebSocketServer implements AsyncDisposable {
  /** `ws://127.0.0.1:8080`, or wss. */
  readonly url: string;
  readonly clients: WebSocket[] = [];
  /** Of all clients that have left: code and reason. */
  readonly closed: string[] = [];
  readonly requests: IncomingMessage[] = [];
  readonly sockets: Set<Socket> = new Set();
  readonly #server: Server;
  #changed = Promise.withResolvers<void>();

  constructor(server: Server, protocol: string, sockets: WebSocketServer, serve: Serve) {
    this.#server = server;
    this.url = `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.sockets.delete(socket);
        this.#tell();
      });
    });
    sockets.on("connection", (client, request) => {
      this.clients.push(client);
      this.requests.push(request);
      client.on("error", () => {});
      client.on("close", (code, reason) => {
        this.closed.push(`${code} ${reason.toString()}`.trim());
        this.#tell();
      });
      serve(client, request);
      this.#tell();
    });
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Waits until something is so that clients coming and going may change. */
  async until(isSo: (server: this) => boolean): Promise<void> {
    while (!isSo(this)) await this.#changed.promise;
  }

  /** Closes all connections, without a handshake. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Sends everything back. */
export const echo: Serve = (client) => client.on("message", (data, binary) => client.send(data, { binary }));

/** Settings of {@link webSocketServer}. */
export interface WebSocketServerOptions {
  readonly tls?: boolean;
  readonly compress?: boolean;
  readonly protocol?: string;
  readonly answersPings?: boolean;
  /** With which status to refuse the next client, if it is not to be let in. */
  readonly refuse?: () => number | undefined;
}

export async function webSocketServer(
  serve: Serve = echo,
  options: WebSocketServerOptions = {},
): Promise<TestWebSocketServer> {
  const { tls = false, compress = false, protocol, answersPings = true, refuse } = options;
  const server = tls ? createTlsServer({ cert: certificate, key: privateKey }) : createServer();
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: compress,
    autoPong: answersPings,
    verifyClient: (_info, answer) => {
      const status = refuse?.();
      answer(status === undefined, status, "no", { "retry-after": "0" });
    },
    ...(protocol !== undefined && { handleProtocols: () => protocol }),
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new TestWebSocketServer(server, tls ? "wss" : "ws", sockets, serve);
}
