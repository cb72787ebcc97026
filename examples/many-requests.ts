/** Asks a server for a thousand things, fifty at once, with a timeout and a second attempt for each. */
import { once } from "node:events";
import { createServer } from "node:http";
import { exponential, mapStream, retry, run } from "taskwright";
import { openSession } from "taskwright/http";

/** A server that fails one request in ten, the first time. */
const failed = new Set<string>();
const server = createServer((request, response) => {
  const url = request.url ?? "/";
  if (url.endsWith("7") && !failed.has(url)) {
    failed.add(url);
    response.statusCode = 503;
  }
  response.end(JSON.stringify({ url }));
});

await run(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as { port: number };
  await using session = openSession({ baseUrl: `http://127.0.0.1:${port}`, timeout: { totalMs: 5_000 } });

  const ask = async (id: number): Promise<string> => {
    const response = await session.get(`things/${id}`);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return (await response.json<{ url: string }>()).url;
  };
  const askTwice = (id: number): Promise<string> =>
    retry(() => ask(id), { attempts: 2, backoff: exponential({ baseMs: 5 }) });

  const answered = new Set<string>();
  const ids = Array.from({ length: 1_000 }, (_, id) => id);
  for await (const url of mapStream(ids, askTwice, { concurrency: 50, ordered: false })) answered.add(url);
  console.log(`${answered.size} answered, ${failed.size} of them at the second attempt`);
});
server.close();
