import { expect, test } from "vitest";
import { rawServer } from "../../test/http-server.ts";
import { sleep } from "../core/index.ts";
import { openSession } from "./index.ts";

test("no handshake within connectMs fails in phase connect, and ends the attempt", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false, timeout: { connectMs: 30 } });
  await expect(session.get(server.origin.replace("http:", "https:"))).rejects.toMatchObject({
    code: "HTTP_TIMEOUT",
    phase: "connect",
    timeoutMs: 30,
    message: `GET ${server.origin.replace("http:", "https:")}/: no connection within 30 ms (timeout.connectMs)`,
  });
  await (
    await server.accept()
  ).closed;
});

test("no response within headersMs fails in phase headers, and closes the connection", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false, timeout: { headersMs: 30 } });
  await expect(session.get(server.origin)).rejects.toMatchObject({ code: "HTTP_TIMEOUT", phase: "headers" });
  await (
    await server.accept()
  ).closed;
});

test("a hint ahead of the response does not stop the time for the headers", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false, timeout: { headersMs: 40 } });
  const pending = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.send("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
  await expect(pending).rejects.toMatchObject({ code: "HTTP_TIMEOUT", phase: "headers" });
});

test("silence within the body fails in phase idle", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false, timeout: { idleMs: 30 } });
  const pending = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\npart");
  const response = await pending;
  await expect(response.text()).rejects.toMatchObject({ code: "HTTP_TIMEOUT", phase: "idle" });
  await peer.closed;
});

test("a body that keeps coming is not idle, however long it takes", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false, timeout: { idleMs: 250 } });
  const pending = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n");
  const response = await pending;
  const text = response.text();
  for (const byte of "abcdef") {
    await sleep(60);
    peer.send(byte);
  }
  expect(await text).toBe("abcdef");
});

test("while you do not read, the server is not blamed for its silence", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false, timeout: { idleMs: 100 } });
  const pending = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  const length = 4 * 1024 * 1024;
  peer.send(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`);
  peer.send(new Uint8Array(length));
  const response = await pending;
  await sleep(250);
  expect((await response.bytes()).length).toBe(length);
});

test("a server that does not take the body fails in phase idle", async () => {
  await using server = await rawServer();
  await using session = openSession({ timeout: { idleMs: 60, headersMs: 20 } });
  const pending = session.post(server.origin, { body: new Uint8Array(64 * 1024 * 1024) });
  const peer = await server.accept();
  peer.socket.pause();
  await expect(pending).rejects.toMatchObject({ code: "HTTP_TIMEOUT", phase: "idle" });
  peer.socket.resume();
  await peer.closed;
});

test("time for the headers starts when the last byte of the body has gone out", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false, timeout: { headersMs: 150 } });
  const pending = session.post(server.origin, {
    body: (async function* () {
      for (const piece of ["a", "b", "c", "d", "e"]) {
        await sleep(40);
        yield piece;
      }
    })(),
  });
  const peer = await server.accept();
  await peer.take("0\r\n\r\n");
  await sleep(10);
  peer.respond("x");
  expect(await (await pending).text()).toBe("x");
});

test("totalMs bounds everything, the body included", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const pending = session.get(server.origin, { timeout: 60 });
  const peer = await server.accept();
  await peer.head();
  peer.send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
  const response = await pending;
  const drip = (async () => {
    for (; !peer.isClosed; await sleep(10)) peer.send("x");
  })();
  await expect(response.bytes()).rejects.toMatchObject({ code: "HTTP_TIMEOUT", phase: "total", timeoutMs: 60 });
  await drip;
});

test("the wait for a slot counts for no timeout", async () => {
  await using server = await rawServer();
  const all = { connectMs: 150, headersMs: 150, idleMs: 150, totalMs: 150 };
  await using session = openSession({ limit: 1 });
  const first = session.get(server.origin);
  const second = session.get(server.origin, { timeout: all });
  const peer = await server.accept();
  await peer.head();
  await sleep(200);
  peer.respond("1");
  await peer.head();
  peer.respond("2");
  expect([await (await first).text(), await (await second).text()]).toEqual(["1", "2"]);
});

test("a response that failed while nobody read it says so when it is read", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false, timeout: { idleMs: 20 } });
  const pending = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\npart");
  const response = await pending;
  await peer.closed;
  await expect(response.text()).rejects.toMatchObject({ code: "HTTP_TIMEOUT", phase: "idle" });
});

test("a timeout frees the slot for the next in line", async () => {
  await using server = await rawServer();
  await using session = openSession({ limit: 1, retry: false });
  const first = session.get(server.origin, { timeout: 20 });
  const second = session.get(server.origin);
  await expect(first).rejects.toMatchObject({ phase: "total" });
  await server.accept();
  const peer = await server.accept();
  await peer.head();
  peer.respond("2");
  expect(await (await second).text()).toBe("2");
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 1 });
});

/** Lets nothing else of this process run. */
function holdUp(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test("what came in time is no timeout where the process was held up and reads it late", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false, timeout: { headersMs: 40, idleMs: 40 } });
  const pending = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel");
  holdUp(120);
  const response = await pending;
  peer.send("lo");
  holdUp(120);
  expect(await response.text()).toBe("hello");
});

test("what did not come is one all the same", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false, timeout: { headersMs: 40 } });
  const pending = session.get(server.origin);
  await (await server.accept()).head();
  holdUp(120);
  await expect(pending).rejects.toMatchObject({ code: "HTTP_TIMEOUT", phase: "headers" });
});
