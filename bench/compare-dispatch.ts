/**
 * The least that undici needs: `node compare-dispatch.ts LIST OUTPUT CONCURRENCY`. It reads all of the list before it
 * begins, collects each body, and writes the results in one go at the end, or nothing where OUTPUT is empty.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { Pool } from "undici";

const [list, output, concurrency] = process.argv.slice(2) as [string, string, string];
const urls = readFileSync(list, "utf8").trimEnd().split("\n");
const { origin } = new URL(urls[0]!);
const pool = new Pool(origin, { connections: Number(concurrency) });
const lines: string[] = [];
let next = 0;

async function work(): Promise<void> {
  while (next < urls.length) await get(urls[next++]!);
}

function get(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status = 0;
    pool.dispatch(
      { path: url.slice(origin.length), method: "GET" },
      {
        onRequestStart() {},
        onResponseStart: (_controller, code) => void (status = code),
        onResponseData: (_controller, chunk) => void chunks.push(chunk),
        onResponseEnd: () => {
          const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
          if (output !== "") lines.push(JSON.stringify({ url, ok: status < 400, status, body: body.toString() }));
          resolve();
        },
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}

await Promise.all(Array.from({ length: Number(concurrency) }, work));
if (output !== "") writeFileSync(output, `${lines.join("\n")}\n`);
await pool.destroy();
