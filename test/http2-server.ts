/** Servers for tests of HTTP/2. */
import {
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
  createSecureServer,
  createServer,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { certificate, privateKey } from "./http-certificate.ts";

/** What the server does with a request. */
export type AnswerHttp2 = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  session: ServerHttp2Session,
) => void;

/** A server on a port of its own, which is gone at the end of the block. */
export class Http2TestServer implements AsyncDisposable {
  readonly origin: string;
  /** All connections, in their order, closed ones included. */
  readonly sessions: ServerHttp2Session[] = [];
  /** Their sockets. */
  readonly sockets: Socket[] = [];
  readonly #server: Http2Server;

  constructor(server: Http2Server, scheme: string, answer: AnswerHttp2) {
    this.#server = server;
    this.origin = `${scheme}://localhost:${(server.address() as AddressInfo).port}`;
    server.on(scheme === "https" ? "secureConnection" : "connection", (socket: Socket) => this.sockets.push(socket));
    server.on("session", (session) => {
      this.sessions.push(session);
      session.on("error", () => {}); // A reset is one way to close.
      session.on("stream", (stream, headers) => {
        stream.on("error", () => {});
        answer(stream, headers, session);
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.destroy();
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

/** @param options - `plain` is HTTP/2 without TLS */
export async function http2Server(
  answer: AnswerHttp2,
  options: { plain?: boolean; settings?: Settings } = {},
): Promise<Http2TestServer> {
  const { plain = false, settings = {} } = options;
  const server = plain
    ? createServer({ settings })
    : (createSecureServer({ cert: certificate, key: privateKey, settings }) as unknown as Http2Server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new Http2TestServer(server, plain ? "http" : "https", answer);
}

/** Answers with everything that was sent. */
export const echo: AnswerHttp2 = (stream) => {
  stream.respond({ ":status": 200 });
  stream.pipe(stream);
};
