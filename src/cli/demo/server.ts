/**
 * The server of the demo, in a process of its own: gives out the files below the folder it is told, each after a time
 * that depends on its path. Tells its port to the process that forked it, and ends with it.
 */
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize, sep } from "node:path";
import { sleep } from "../../core/index.ts";
import { latencyMs } from "./documents.ts";

const root = process.argv[2]!;

const server = createServer((request, response) => {
  void answer(request.url!, response);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());

async function answer(url: string, response: ServerResponse): Promise<void> {
  const path = decodeURIComponent(url.slice(1));
  const file = normalize(join(root, path));
  try {
    if (!file.startsWith(root + sep)) throw new Error("outside of the folder that is served");
    const [content] = await Promise.all([readFile(file), sleep(latencyMs(path))]);
    const type = path.endsWith(".json")
      ? "application/json"
      : `text/${path.endsWith(".md") ? "markdown" : "plain"}; charset=utf-8`;
    response.writeHead(200, { "content-type": type, "content-length": content.length }).end(content);
  } catch {
    response.writeHead(404).end();
  }
}
