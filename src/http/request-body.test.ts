import { createReadStream } from "node:fs";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { httpServer, rawServer } from "../../test/http-server.ts";
import { ContextVar, cancelScope, sleep } from "../core/index.ts";
import { type BodyInput, type Session, openSession } from "./index.ts";

interface Echo {
  readonly type: string | undefined;
  readonly length: string | undefined;
  readonly coding: string | undefined;
  readonly body: string;
}

async function echo(session: Session, options: object, method = "POST"): Promise<Echo> {
  return await (await session.request(method, "/", options)).json<Echo>();
}

function echoServer(): ReturnType<typeof httpServer> {
  return httpServer((request, response) => {
    const { "content-type": type, "content-length": length, "transfer-encoding": coding } = request.headers;
    const answer = (body: string) => response.end(JSON.stringify({ type, length, coding, body }));
    void Array.fromAsync(request).then((chunks: Buffer[]) => answer(Buffer.concat(chunks).toString("latin1")));
  });
}

async function* pieces<T>(...values: T[]): AsyncGenerator<T> {
  for (const value of values) {
    await sleep(1);
    yield value;
  }
}

test.each<[string, object, Partial<Echo>]>([
  ["a value as JSON", { json: { a: [1, "ä"] } }, { type: "application/json", length: "14", body: '{"a":[1,"Ã¤"]}' }],
  ["null as JSON", { json: null }, { type: "application/json", length: "4", body: "null" }],
  ["text", { body: "ä" }, { type: "text/plain;charset=UTF-8", length: "2", body: "Ã¤" }],
  [
    "a form",
    { body: new URLSearchParams({ a: "1 2", b: "&" }) },
    { type: "application/x-www-form-urlencoded;charset=UTF-8", body: "a=1+2&b=%26" },
  ],
  ["bytes", { body: Uint8Array.of(0, 255) }, { length: "2", body: "\0\xff" }],
  ["a part of a buffer", { body: new Uint8Array([1, 65, 66, 2]).subarray(1, 3) }, { length: "2", body: "AB" }],
  ["an ArrayBuffer", { body: Uint8Array.of(65).buffer }, { length: "1", body: "A" }],
  ["an empty text", { body: "" }, { length: "0", body: "" }],
  [
    "an async iterable",
    { body: pieces<string | Uint8Array>("a", Uint8Array.of(66), "", "c") },
    { coding: "chunked", body: "aBc" },
  ],
  ["an iterable", { body: new Set(["a", "b"]) }, { coding: "chunked", body: "ab" }],
  ["an empty iterable", { body: pieces<string>() }, { length: "0", body: "" }],
  [
    "an iterable of known length",
    { body: pieces("a", "b"), headers: { "content-length": "2" } },
    { length: "2", body: "ab" },
  ],
  [
    "a type of your own",
    { json: 1, headers: { "Content-Type": "application/x-one" } },
    { type: "application/x-one", body: "1" },
  ],
])("%s is sent", async (_name, options, expected) => {
  await using server = await echoServer();
  await using session = openSession({ baseUrl: server.origin });
  expect(await echo(session, options)).toMatchObject(expected);
});

test("a long body goes whole, with its length", async () => {
  await using server = await echoServer();
  await using session = openSession({ baseUrl: server.origin });
  const bytes = Buffer.alloc(3_000_001, "abc");
  expect(await echo(session, { body: bytes })).toMatchObject({ length: "3000001", body: bytes.toString() });
  const text = "ä".repeat(200_000);
  expect((await echo(session, { body: text })).length).toBe("400000");
  expect((await echo(session, { json: text })).type).toBe("application/json");
});

test("a source is asked for no more than the connection takes", async () => {
  await using server = await rawServer();
  await using session = openSession();
  let asked = 0;
  const pending = session.post(server.origin, {
    body: (async function* () {
      for (; asked < 300; asked++) yield new Uint8Array(100_000);
    })(),
  });
  const peer = await server.accept();
  peer.socket.pause();
  for (let before = -1; before !== asked; await sleep(30)) before = asked;
  expect(asked).toBeLessThan(250);
  const { promise: end, resolve } = Promise.withResolvers<void>();
  peer.socket.removeAllListeners("data");
  let tail = "";
  peer.socket.on("data", (bytes) => {
    tail = (tail + bytes.subarray(-5).toString()).slice(-5);
    if (tail === "0\r\n\r\n") resolve();
  });
  peer.socket.resume();
  await end;
  expect(asked).toBe(300);
  peer.respond("x");
  expect(await (await pending).text()).toBe("x");
});

test("a source runs in the context of its request", async () => {
  await using server = await echoServer();
  await using session = openSession({ baseUrl: server.origin });
  const user = new ContextVar<string>("user", { default: "nobody" });
  const sent = await user.run("me", () =>
    echo(session, {
      body: (async function* () {
        yield user.get();
        await sleep(1);
        yield user.get();
      })(),
    }),
  );
  expect(sent.body).toBe("meme");
});

test("what a source fails with is what the request fails with, and the connection is closed", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const failure = new Error("no more");
  const pending = session.post(server.origin, {
    body: (async function* () {
      yield "a";
      throw failure;
    })(),
  });
  await expect(pending).rejects.toBe(failure);
  await (
    await server.accept()
  ).closed;
});

test("a piece that is no bytes is a TypeError", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const body = pieces<unknown>("a", 3) as unknown as BodyInput;
  await expect(session.post(server.origin, { body })).rejects.toThrow(
    "Expected `body` to be an iterable of strings or bytes, got `3` (number)",
  );
});

test("a body that is not of the announced length is refused", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const wrong = session.post(server.origin, { body: pieces("ab"), headers: { "content-length": "3" } });
  await expect(wrong).rejects.toThrow(TypeError);
});

/** Pieces without an end, which says when it is closed. */
async function* endless(closed: () => void): AsyncGenerator<string, void, void> {
  try {
    for (;;) {
      await sleep(1);
      yield "x";
    }
  } finally {
    closed();
  }
}

test("a source is closed when its request fails before it is used up", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const closed = Promise.withResolvers<void>();
  const pending = session.post(server.origin, { body: endless(closed.resolve) });
  const peer = await server.accept();
  await peer.take("x");
  peer.socket.resetAndDestroy();
  await expect(pending).rejects.toMatchObject({ code: "HTTP_CONNECTION", phase: "request" });
  await closed.promise;
});

test("a response may come before the body has been sent, and both go on", async () => {
  await using server = await httpServer((request, response) => void request.pipe(response));
  await using session = openSession();
  const response = await session.post(server.origin, { body: pieces("one\n", "two\n", "three") });
  expect(await Array.fromAsync(response.lines())).toEqual(["one", "two", "three"]);
});

test("a server that answers without taking the body ends the source", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const closed = Promise.withResolvers<void>();
  const pending = session.post(server.origin, { body: endless(closed.resolve) });
  const peer = await server.accept();
  await peer.take("x");
  peer.respond("no", "HTTP/1.1 413 Payload Too Large");
  const response = await pending;
  expect([response.status, await response.text()]).toEqual([413, "no"]);
  await Promise.all([peer.closed, closed.promise]);
});

test("a stream as body is destroyed when its request is cancelled in line", async () => {
  await using server = await rawServer();
  await using session = openSession({ limit: 1 });
  const first = session.get(server.origin);
  const peer = await server.accept();
  const body = new PassThrough();
  await cancelScope(async (scope) => {
    const second = session.post(server.origin, { body });
    scope.cancel();
    await second;
  });
  expect(body.destroyed).toBe(true);
  await peer.head();
  peer.respond("x");
  await (await first).text();
});

test("a stream that is waited for is destroyed when its request is cancelled", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const body = new PassThrough();
  await cancelScope(async (scope) => {
    const pending = session.post(server.origin, { body });
    const peer = await server.accept();
    body.write("some");
    await peer.take("some");
    scope.cancel();
    await pending;
  });
  expect(body.destroyed).toBe(true);
});

test("a file is sent as a stream of Node", async () => {
  await using server = await echoServer();
  await using session = openSession({ baseUrl: server.origin });
  expect((await echo(session, { body: createReadStream(import.meta.filename) })).body).toContain("sent as a stream");
});
