import { expect, test } from "vitest";
import { type Peer, type TestServer, httpServer, rawServer } from "../../test/http-server.ts";
import { cancelScope, now, run, sleep, taskGroup, timeout } from "../core/index.ts";
import { withVirtualTime } from "../testing/index.ts";
import { type HttpResponse, type Session, openSession } from "./index.ts";

/** A response of which the headers and perhaps a part of the body have come. */
async function open(
  server: TestServer,
  session: Session,
  head: string,
  part: string | Uint8Array = "",
): Promise<[HttpResponse, Peer]> {
  const pending = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`);
  if (part.length > 0) peer.send(part);
  return [await pending, peer];
}

const megabyte = 1024 * 1024;

test("bytes, text and json read the body whole, however it comes", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const readChunked = async <T>(read: (response: HttpResponse) => Promise<T>): Promise<T> => {
    const [response, peer] = await open(server, session, "transfer-encoding: chunked\r\nconnection: close");
    const value = read(response);
    for (const piece of ['4\r\n{"a"\r\n', '4\r\n:"\xc3\xa4\r', '\n2\r\n"}\r\n', "0\r\n\r\n"]) {
      peer.send(Buffer.from(piece, "latin1"));
      await sleep(1);
    }
    return await value;
  };
  expect(await readChunked((response) => response.json())).toEqual({ a: "ä" });
  expect(await readChunked((response) => response.text())).toBe('{"a":"ä"}');
  expect((await readChunked((response) => response.bytes())).length).toBe(10);
});

test("an empty body is empty", async () => {
  await using server = await httpServer((_request, response) => void response.writeHead(204).end());
  await using session = openSession();
  expect((await (await session.get(server.origin)).bytes()).length).toBe(0);
  expect(await (await session.get(server.origin)).text()).toBe("");
  expect(await Array.fromAsync((await session.get(server.origin)).lines())).toEqual([]);
});

test("text drops a byte order mark", async () => {
  await using server = await httpServer((_request, response) => void response.end("\uFEFFx"));
  await using session = openSession();
  expect(await (await session.get(server.origin)).text()).toBe("x");
});

test("a body that is not JSON is an error that tells status and type, and not what was in it", async () => {
  await using server = await httpServer((_request, response) => {
    response.writeHead(502, { "content-type": "text/html" });
    response.end("<html>secret");
  });
  await using session = openSession();
  await expect((await session.get(server.url("/x?y"))).json()).rejects.toMatchObject({
    code: "HTTP_INVALID_JSON",
    status: 502,
    message: `GET ${server.url("/x")}: the body is not JSON (status 502, text/html)`,
    cause: expect.any(SyntaxError),
  });
});

test("a body is read once", async () => {
  await using server = await httpServer((_request, response) => void response.end("x"));
  await using session = openSession();
  const response = await session.get(server.url("/a"));
  await response.text();
  for (const again of [() => response.bytes(), () => Array.fromAsync(response.body)]) {
    await expect(again()).rejects.toThrow("/a: the body has been read already");
  }
});

test("two tasks cannot read one body at the same time", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const [response, peer] = await open(server, session, "content-length: 1");
  const text = response.text();
  await expect(response.text()).rejects.toThrow("the body is being read by another task");
  peer.send("x");
  expect(await text).toBe("x");
});

test("lines come as they are complete", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const [response, peer] = await open(server, session, "connection: close");
  const lines = response.lines();
  peer.send("one\r\ntw");
  expect(await lines.next()).toEqual({ done: false, value: "one" });
  peer.send("o\n\nlast");
  expect(await lines.next()).toEqual({ done: false, value: "two" });
  expect(await lines.next()).toEqual({ done: false, value: "" });
  peer.socket.end();
  expect(await lines.next()).toEqual({ done: false, value: "last" });
  expect((await lines.next()).done).toBe(true);
});

test("a line longer than allowed is an error, and closes the connection", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const [response, peer] = await open(server, session, "connection: close", "x".repeat(100));
  const lines = Array.fromAsync(response.lines({ maxLineBytes: 50 }));
  await expect(lines).rejects.toMatchObject({ code: "HTTP_BODY_TOO_LARGE", maxBytes: 50 });
  await peer.closed;
});

test("the server is made to wait while nobody reads, and all comes when somebody does", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const length = 64 * megabyte;
  const [response, peer] = await open(server, session, `content-length: ${length}`, new Uint8Array(length));
  // What is left to send goes down as buffers fill, and then stays.
  for (let before = -1; before !== peer.socket.writableLength; await sleep(30)) before = peer.socket.writableLength;
  expect(peer.socket.bytesWritten - peer.socket.writableLength).toBeLessThan(32 * megabyte);
  let [bytes, pieces] = [0, 0];
  for await (const piece of response.body) {
    bytes += piece.length;
    pieces++;
  }
  expect(bytes).toBe(length);
  expect(pieces).toBeGreaterThan(10);
});

test("a body longer than allowed is refused, announced or not, and the connection closed", async () => {
  await using server = await rawServer();
  await using session = openSession({ maxBodyBytes: 10 });
  const announced = open(server, session, "content-length: 11", "x".repeat(11));
  await expect(announced).rejects.toMatchObject({ code: "HTTP_BODY_TOO_LARGE", maxBytes: 10 });
  await server.peers[0]!.closed;
  const [response, peer] = await open(server, session, "connection: close", "x".repeat(10));
  const text = response.text();
  peer.send("x");
  await expect(text).rejects.toMatchObject({ code: "HTTP_BODY_TOO_LARGE" });
  await peer.closed;
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a connection lost within the body is an error, whether the length was known or not", async () => {
  await using server = await rawServer();
  await using session = openSession();
  for (const head of [
    "content-length: 10",
    "transfer-encoding: chunked",
    "content-length: 10\r\nconnection: close",
    "transfer-encoding: chunked\r\nconnection: close",
  ]) {
    const [response, peer] = await open(server, session, head, "5\r\nab");
    peer.socket.end();
    await expect(response.text()).rejects.toMatchObject({ code: "HTTP_CONNECTION", phase: "response" });
  }
});

test("what has come before the connection was lost can be read", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const [response, peer] = await open(server, session, "content-length: 10", "part");
  const read: string[] = [];
  const all = (async () => {
    for await (const piece of response.body) {
      read.push(Buffer.from(piece).toString());
      peer.socket.resetAndDestroy();
    }
  })();
  await expect(all).rejects.toMatchObject({ code: "HTTP_CONNECTION", causeCode: "ECONNRESET" });
  expect(read).toEqual(["part"]);
});

test("to discard a short rest keeps the connection", async () => {
  await using server = await rawServer();
  await using session = openSession({ limit: 1 });
  const [response, peer] = await open(server, session, "content-length: 4", "ab");
  const discarded = response.discard();
  peer.send("cd");
  await discarded;
  await expect(response.text()).rejects.toMatchObject({ code: "HTTP_RESPONSE_CLOSED" });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 1 });
  const next = session.get(server.origin);
  await peer.head();
  peer.respond("x");
  expect(await (await next).text()).toBe("x");
});

test.each([
  ["announced", `content-length: ${megabyte}`, ""],
  ["unannounced", "connection: close", "x"],
])("to discard a long rest, %s, closes the connection", async (_name, head, part) => {
  await using server = await rawServer();
  await using session = openSession();
  const [response, peer] = await open(server, session, head, part);
  await response.discard();
  await peer.closed;
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
  await expect(response.text()).rejects.toMatchObject({ code: "HTTP_RESPONSE_CLOSED" });
});

test("to leave a loop over the body discards the rest", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const [response, peer] = await open(server, session, `content-length: ${megabyte}`, "x\ny\n");
  for await (const line of response.lines()) if (line === "x") break;
  await peer.closed;
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("`using` closes what was not read", async () => {
  await using server = await rawServer();
  await using session = openSession();
  let peer: Peer | undefined;
  {
    using response = await (async () => {
      const [opened, itsPeer] = await open(server, session, "content-length: 10");
      peer = itsPeer;
      return opened;
    })();
    expect(response.status).toBe(200);
  }
  await peer?.closed;
});

test("a closed response says why it can no longer be read", async () => {
  await using server = await httpServer((_request, response) => void response.end("x"));
  await using session = openSession();
  const response = await session.get(server.url("/a"));
  response[Symbol.dispose]();
  await expect(response.text()).rejects.toMatchObject({
    code: "HTTP_RESPONSE_CLOSED",
    message: `GET ${server.url("/a")}: the body can no longer be read: it was disposed`,
  });
});

test("a response that is not read is closed when its run ends", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const [response, peer] = await run(() => open(server, session, "content-length: 10"), { signals: false });
  await peer.closed;
  await expect(response.text()).rejects.toMatchObject({ code: "HTTP_RESPONSE_CLOSED" });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a response outlives the scope that just ended, and the task that returned it", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const [response, peer] = await timeout(5_000, () => open(server, session, "content-length: 2"));
  const [fromTask, itsPeer] = await taskGroup(async (group) => {
    const task = group.spawn(() => open(server, session, "content-length: 2"));
    return await task.join();
  });
  peer.send("ab");
  itsPeer.send("cd");
  expect([await response.text(), await fromTask.text()]).toEqual(["ab", "cd"]);
});

test("a response that outlived its scope is closed when the scope around is cancelled", async () => {
  await using server = await rawServer();
  await using session = openSession();
  await cancelScope(async (scope) => {
    const [, peer] = await timeout(5_000, () => open(server, session, "content-length: 2"));
    scope.cancel();
    await peer.closed;
  });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("an unread body that is all there does not hold a slot", async () => {
  await using server = await httpServer((_request, response) => void response.end("x".repeat(30_000)));
  await using session = openSession({ limit: 1 });
  const responses = [await session.get(server.origin), await session.get(server.origin)];
  for (const response of responses) expect((await response.text()).length).toBe(30_000);
});

test("what is no HTTP is an error of the protocol", async () => {
  await using server = await rawServer();
  await using session = openSession();
  for (const nonsense of [
    "SSH-2.0-OpenSSH\r\n\r\n",
    "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    `HTTP/1.1 100 Continue\r\nx: ${"x".repeat(100_000)}`,
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    `HTTP/1.1 200 OK\r\nx: ${"x".repeat(100_000)}\r\n\r\n`,
  ]) {
    const pending = session.get(server.origin);
    const peer = await server.accept();
    await peer.head();
    peer.send(nonsense);
    await expect(pending, nonsense).rejects.toMatchObject({ code: "HTTP_PROTOCOL" });
    await peer.closed;
  }
});

test("virtual time stands still while a response comes, and goes on while nobody reads it", async () => {
  await using server = await rawServer();
  await withVirtualTime(async () => {
    await using session = openSession({ timeout: { idleMs: 1_000 } });
    const [response, peer] = await open(server, session, "connection: close");
    setTimeout(() => peer.send(new Uint8Array(megabyte)), 20);
    const startedMs = now();
    await sleep(60_000);
    expect(now() - startedMs).toBe(60_000);
    peer.socket.end();
    expect((await response.bytes()).length).toBe(megabyte);
  });
});
