/** Asks a list of URLs with the batch engine, and sorts the outcomes: answers, answers of another kind, failures. */
import { once } from "node:events";
import { createServer } from "node:http";
import { run } from "taskwright";
import { fetchAll } from "taskwright/fetch";

/** A server that has lost one thing in ten, and is overloaded when it is first asked for one of the others. */
const asked = new Set<string>();
const server = createServer((request, response) => {
  const url = request.url ?? "/";
  if (url.endsWith("0")) response.statusCode = 404;
  else if (url.endsWith("7") && !asked.has(url)) response.writeHead(503, { "retry-after": "0" });
  asked.add(url);
  response.end(`this is ${url}`);
});

function* things(origin: string): Generator<string> {
  for (let id = 1; id <= 2_000; id++) yield `${origin}/things/${id}`;
  yield "not a URL";
}

await run(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as { port: number };

  const counts = new Map<string, number>();
  for await (const outcome of fetchAll(things(`http://127.0.0.1:${port}`), { concurrency: 100, perHost: 50 })) {
    const kind = outcome.error?.code ?? `status ${outcome.status}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  for (const kind of [...counts.keys()].toSorted()) console.log(`${kind}: ${counts.get(kind)}`);
});
server.close();
