/** A server of WebSockets and server-sent events, in a process of its own. */
import { type ChildProcess, fork } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { type WebSocket, WebSocketServer } from "ws";

export const messages = 100_000;
export const text: string = "x".repeat(100);

/** How many are written at once. */
const block = 100;

function flood(client: WebSocket): void {
  let sent = 0;
  const more = (): void => {
    for (let i = 0; i < block && sent < messages; i++) client.send(text, ++sent % block === 0 ? more : undefined);
  };
  more();
}

function serve(): void {
  const events = `id: 7\ndata: ${text}\n\n`.repeat(block);
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let sent = 0;
    const more = (): void => {
      while (sent < messages) {
        sent += block;
        if (!response.write(events)) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  });
  new WebSocketServer({ server }).on("connection", (client, { url }) => {
    let received = 0;
    client.on("error", () => {});
    if (url === "/flood") flood(client);
    client.on("message", (data, binary) => {
      if (url === "/echo") client.send(data, { binary });
      else if (++received === messages) client.send("all");
    });
  });
  server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
  process.on("disconnect", () => process.exit());
}

/** Starts the server. It ends with its disposal, or with the process that started it. */
export async function startStreamsServer(): Promise<{ readonly port: number } & Disposable> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), { execArgv: [] });
  const port = await new Promise<number>((resolve, reject) => {
    child.once("message", (message) => resolve(message as number));
    child.once("exit", (code) => reject(new Error(`the server ended with code ${code}`)));
  });
  return { port, [Symbol.dispose]: () => child.kill() };
}

if (import.meta.main) serve();
