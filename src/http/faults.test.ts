import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { httpServer, rawServer } from "../../test/http-server.ts";
import { storm } from "../../test/http-storm.ts";
import { sleep } from "../core/index.ts";
import { fetchWhole, openSession } from "./index.ts";

/** What a bad server may do with a request. */
const behaviours: readonly ((socket: Socket) => void)[] = [
  (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
  (socket) => socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
  (socket) => socket.end("HTTP/1.0 200 OK\r\n\r\nhello"),
  (socket) =>
    socket.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello", () => socket.end()),
  (socket) => socket.write("HTTP/1.1 204 No Content\r\n\r\n"),
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.end(),
  (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", () => socket.resetAndDestroy()),
  (socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel"),
  (socket) => socket.end("HTTP/1.1 2"),
  (socket) => socket.write("220 smtp.example.com\r\n"),
  (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello and more"),
  (socket) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n${"x".repeat(300_000)}`),
  () => {},
];

test("whatever servers do and whenever one is cancelled: all requests end, and nothing is left", async () => {
  await using server = await rawServer();
  await using session = openSession({ limit: 20, timeout: { headersMs: 60, idleMs: 60 } });
  let served = 0;
  const serving = (async () => {
    for (;;) {
      const peer = await server.accept();
      const serve = async (): Promise<void> => {
        for (;;) {
          await peer.head();
          behaviours[served++ % behaviours.length]!(peer.socket);
        }
      };
      serve().catch(() => {}); // The connection was closed.
    }
  })();
  serving.catch(() => {});
  const order = session.orders.make("GET", server.origin, { timeout: { headersMs: 60, idleMs: 60 } });
  const outcomes = await storm(1_000, async (i) => {
    switch (i % 5) {
      case 0:
        return await fetchWhole(session, order, true);
      case 1:
        return await (await session.get(server.origin)).text();
      case 2:
        return await Array.fromAsync((await session.get(server.origin)).body);
      case 3:
        return (await session.get(server.origin)).discard();
      default: {
        using response = await session.post(server.origin, { json: i });
        await sleep(i % 3);
        return response.status;
      }
    }
  });
  expect(outcomes.wrong).toEqual([]);
  expect(Math.min(outcomes.ok, outcomes.failed)).toBeGreaterThan(100);
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
  expect(session.statistics().connections).toBeLessThanOrEqual(20);
});

test("nobody listens: each request fails at once, and nothing is left", async () => {
  const server = await rawServer();
  await server[Symbol.asyncDispose]();
  await using session = openSession({ limit: 10, retry: false });
  const outcomes = await Promise.allSettled(Array.from({ length: 500 }, () => session.get(server.origin)));
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ reason: { code: "HTTP_CONNECTION", phase: "connect", causeCode: "ECONNREFUSED" } });
  }
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a name that does not exist says so", async () => {
  await using session = openSession();
  await expect(session.get("http://nobody.invalid/")).rejects.toMatchObject({
    code: "HTTP_CONNECTION",
    phase: "connect",
    causeCode: expect.stringMatching(/^ENOTFOUND|EAI_AGAIN$/),
  });
});

test("many requests leave nothing in memory", async () => {
  await using server = await httpServer((_request, response) => void response.end("x"));
  await using session = openSession({ limit: 50 });
  const order = session.orders.make("GET", server.origin, undefined);
  const ask = async (count: number): Promise<number> => {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) await fetchWhole(session, order, true);
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    await sleep(0);
    gc!();
    return process.memoryUsage().heapUsed;
  };
  await ask(3_000);
  const before = await ask(3_000);
  expect((await ask(6_000)) - before).toBeLessThan(1_000_000);
});
