/** A proxy for tests: it passes requests on, and opens tunnels. */
import { type Server, createServer, request as ask } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, type Socket, connect } from "node:net";
import { certificate, privateKey } from "./http-certificate.ts";

/** What the proxy was asked. */
export interface ProxyRequest {
  /** `CONNECT localhost:443`, or `GET http://localhost/path`. */
  readonly line: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A proxy on a port of its own, which is gone at the end of the block. */
export class ProxyServer implements AsyncDisposable {
  readonly requests: ProxyRequest[] = [];
  /** `http://127.0.0.1:3128`, or https. */
  readonly url: string;
  readonly sockets: Set<Socket> = new Set();
  readonly #server: Server;

  constructor(server: Server, protocol: string, password: string | undefined) {
    this.#server = server;
    this.url = `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const wanted = password === undefined ? undefined : `Basic ${Buffer.from(password).toString("base64")}`;
    server.on("connection", (socket: Socket) => this.#track(socket));
    server.on("request", (incoming, answer) => {
      this.requests.push({ line: `${incoming.method} ${incoming.url}`, headers: incoming.headers });
      if (wanted !== undefined && incoming.headers["proxy-authorization"] !== wanted) {
        answer.writeHead(407, { "proxy-authenticate": "Basic" }).end("who are you?");
        return;
      }
      const { "proxy-authorization": _secret, ...headers } = incoming.headers;
      const outgoing = ask(incoming.url!, { method: incoming.method!, headers }, (response) => {
        answer.writeHead(response.statusCode!, response.headers);
        response.pipe(answer);
      });
      outgoing.on("error", () => answer.writeHead(502).end("no such host"));
      incoming.pipe(outgoing);
    });
    server.on("connect", (incoming, socket: Socket, first: Buffer) => {
      this.requests.push({ line: `CONNECT ${incoming.url}`, headers: incoming.headers });
      socket.on("error", () => {});
      if (wanted !== undefined && incoming.headers["proxy-authorization"] !== wanted) {
        socket.end("HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n");
        return;
      }
      const { hostname, port } = new URL(`http://${incoming.url}`);
      const target = this.#track(connect(Number(port), hostname.replace(/^\[|\]$/g, "")));
      target.on("error", () => socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
      target.on("connect", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        target.write(first);
        target.pipe(socket).pipe(target);
      });
      socket.on("close", () => target.destroy());
      target.on("close", () => socket.destroy());
    });
  }

  #track(socket: Socket): Socket {
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** @param password - `user:password`, if the proxy is to ask for it */
export async function proxyServer(options: { password?: string; tls?: boolean } = {}): Promise<ProxyServer> {
  const server = options.tls === true ? createTlsServer({ cert: certificate, key: privateKey }) : createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new ProxyServer(server, options.tls === true ? "https" : "http", options.password);
}
