import { describe, expect, test } from "vitest";
import { rawAnswer, rawClient } from "../../../test/raw-client.ts";
import { faults, openFaultServer } from "../index.ts";

test("a large body has as many bytes as it says", async () => {
  await using server = await openFaultServer(faults.largeBody(300_000));
  const { received } = await rawAnswer(server.url);

  expect(received.slice(0, 43)).toBe("HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n");
  expect(received.slice(43)).toBe("\0".repeat(300_000));
});

test("a large body need not say how large it is", async () => {
  await using server = await openFaultServer({
    "/chunked": faults.largeBody(70_000, "chunked"),
    "/close": faults.largeBody(70_000, "close"),
  });

  expect((await rawAnswer(server.url, "/chunked")).received).toBe(
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n` +
      `10000\r\n${"\0".repeat(65_536)}\r\n1170\r\n${"\0".repeat(4_464)}\r\n0\r\n\r\n`,
  );
  expect((await rawAnswer(server.url, "/close")).received).toBe(`HTTP/1.1 200 OK\r\n\r\n${"\0".repeat(70_000)}`);
});

test("an endless body goes on until the client goes", async () => {
  await using server = await openFaultServer(faults.endlessBody({ pieceBytes: 1_000 }));
  using client = rawClient(server.url).get();

  expect(await client.take("\r\n\r\n3e8\r\n")).toContain("transfer-encoding: chunked");
  await client.takeBytes(1_000_000);
  client.socket.destroy();
  await server.until(({ openConnections }) => openConnections === 0);
  expect(server.statistics()).toMatchObject({ cut: 1, closedByClient: 1 });
});

test("a stalled body stops in the middle, and the connection stays", async () => {
  await using server = await openFaultServer(faults.stall("hello!"));
  using client = rawClient(server.url).get();

  expect(await client.take("hel")).toBe("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhel");
  expect(server.statistics()).toMatchObject({ inFlight: 1, openConnections: 1 });
});

describe("server-sent events", () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

  test("are sent one by one, with their fields", async () => {
    const all = { data: "two\nlines", event: "note", id: "7", retryMs: 50 };
    await using server = await openFaultServer(faults.events([": hello\n\n", { data: "one" }, all], { everyMs: 1 }));

    expect((await rawAnswer(server.url)).received).toBe(
      `${head}9\r\n: hello\n\n\r\nb\r\ndata: one\n\n\r\n` +
        `33\r\nevent: note\nid: 7\nretry: 50\ndata: two\ndata: lines\n\n\r\n0\r\n\r\n`,
    );
  });

  test("break off with the connection, or go silent", async () => {
    await using server = await openFaultServer({
      "/close": faults.events([{ data: "1" }], { end: "close" }),
      "/reset": faults.events([{ data: "1" }], { end: "reset" }),
      "/hang": faults.events([{ data: "1" }], { end: "hang" }),
    });

    const received = `${head}9\r\ndata: 1\n\n\r\n`;
    expect(await rawAnswer(server.url, "/close")).toEqual({ received, end: "FIN" });
    expect(await rawAnswer(server.url, "/reset")).toEqual({ received, end: "ECONNRESET" });
    using client = rawClient(server.url).get("/hang");
    expect(await client.takeBytes(received.length)).toBe(received);
    expect(server.statistics().inFlight).toBe(1);
  });
});

test("pieces without bytes are refused", () => {
  expect(() => faults.endlessBody({ pieceBytes: 0 })).toThrow("Expected `pieceBytes` to be an integer of 1 or more");
  expect(() => faults.slow(faults.ok(), { everyMs: -1 })).toThrow("Expected `everyMs` to be");
});
