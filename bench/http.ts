/** HTTP against undici's own interfaces, the platform's fetch, and got: 20,000 GETs of 1 KB, 100 at a time. */
import got from "got";
import { strict as assert } from "node:assert";
import { Agent } from "node:http";
import { fetchWhole, openSession } from "taskwright/http";
import { Pool, request } from "undici";
import { fetchContenders } from "./fetch.ts";
import { type Contender, type Row, hold } from "./harness.ts";
import { bodyBytes, startServer } from "./http-server.ts";

const requests = 20_000;
const concurrency = 100;

/** Gets one document and returns the length of its body. */
type Get = () => Promise<number>;

/** Gets everything, a hundred at a time, and returns how many bytes came. */
async function getAll(get: Get): Promise<number> {
  let [started, bytes] = [0, 0];
  const worker = async (): Promise<void> => {
    while (started < requests) {
      started++;
      const length = await get();
      bytes += length;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return bytes;
}

function expectOk(status: number): void {
  assert.equal(status, 200);
}

/** The least that one can write on top of `dispatch`: the body collected, one promise a request. */
function dispatch(pool: Pool): Promise<number> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    pool.dispatch(
      { path: "/", method: "GET" },
      {
        onRequestStart() {},
        onResponseStart: (_controller, status) => expectOk(status),
        onResponseData: (_controller, chunk) => void chunks.push(chunk),
        onResponseEnd: () => resolve(chunks.length === 1 ? chunks[0]!.length : Buffer.concat(chunks).length),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}

function contenders(origin: string): Contender[] {
  const url = `${origin}/`;
  return [
    {
      name: "undici dispatch",
      run: async () => {
        const pool = new Pool(origin, { connections: concurrency });
        const bytes = await getAll(() => dispatch(pool));
        await pool.destroy();
        return bytes;
      },
    },
    {
      name: "taskwright fetchWhole (internal)",
      run: async () => {
        await using session = openSession({ limit: concurrency });
        const order = session.orders.make("GET", url, undefined);
        return await getAll(async () => {
          const { status, bodyBytes: length } = await fetchWhole(session, order, true);
          expectOk(status);
          return length;
        });
      },
    },
    {
      name: "taskwright session.get, bytes",
      run: async () => {
        await using session = openSession({ limit: concurrency });
        return await getAll(async () => {
          const response = await session.get(url);
          expectOk(response.status);
          return (await response.bytes()).length;
        });
      },
    },
    {
      name: "taskwright session.get, text",
      run: async () => {
        await using session = openSession({ limit: concurrency });
        return await getAll(async () => {
          const response = await session.get(url);
          expectOk(response.status);
          return (await response.text()).length;
        });
      },
    },
    ...fetchContenders(url, requests, concurrency),
    {
      name: "undici request, text",
      run: async () => {
        const pool = new Pool(origin, { connections: concurrency });
        const bytes = await getAll(async () => {
          const { statusCode, body } = await request(url, { dispatcher: pool });
          expectOk(statusCode);
          return (await body.text()).length;
        });
        await pool.destroy();
        return bytes;
      },
    },
    {
      name: "global fetch, text",
      run: () =>
        getAll(async () => {
          const response = await fetch(url);
          expectOk(response.status);
          return (await response.text()).length;
        }),
    },
    {
      name: "got, text",
      run: async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
        const bytes = await getAll(async () => {
          const response = await got(url, { agent: { http: agent }, retry: { limit: 0 } });
          expectOk(response.statusCode);
          return response.body.length;
        });
        agent.destroy();
        return bytes;
      },
    },
  ];
}

export async function benchHttp(): Promise<Row[]> {
  using server = await startServer();
  return await hold({
    title: `${requests} GETs of ${bodyBytes} bytes, concurrency ${concurrency}, time a request`,
    units: requests,
    contenders: contenders(server.origin),
    check: (result) => assert.equal(result, requests * bodyBytes),
  });
}

if (import.meta.main) await benchHttp();
