/**
 * A server as fast as Node has one, in a process of its own: it answers each GET with the same 1 KB.
 *
 * It speaks just enough HTTP for that: requests have no body, so each ends where its headers end.
 */
import { type ChildProcess, fork } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";

export const bodyBytes = 1_024;

const response = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${bodyBytes}\r\n\r\n${"x".repeat(bodyBytes)}`,
);
const endOfHeaders = "\r\n\r\n";

function serve(): void {
  const server = createServer({ noDelay: true }, (socket) => {
    let rest = "";
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const text = rest + bytes.toString("latin1");
      let from = 0;
      for (let at = text.indexOf(endOfHeaders); at !== -1; at = text.indexOf(endOfHeaders, from)) {
        from = at + endOfHeaders.length;
        socket.write(response);
      }
      rest = text.slice(from);
    });
  });
  server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
  process.on("disconnect", () => process.exit());
}

/** Starts the server. It ends with its disposal, or with the process that started it. */
export async function startServer(): Promise<{ readonly origin: string } & Disposable> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), { execArgv: [] });
  const port = await new Promise<number>((resolve, reject) => {
    child.once("message", (message) => resolve(message as number));
    child.once("exit", (code) => reject(new Error(`the server ended with code ${code}`)));
  });
  return { origin: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => child.kill() };
}

if (import.meta.main) serve();
