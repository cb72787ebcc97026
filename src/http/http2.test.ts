import { once } from "node:events";
import { constants } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { expect, test } from "vitest";
import { certificate, privateKey } from "../../test/http-certificate.ts";
import { rawServer } from "../../test/http-server.ts";
import { storm } from "../../test/http-storm.ts";
import { type AnswerHttp2, echo, http2Server } from "../../test/http2-server.ts";
import { proxyServer } from "../../test/proxy-server.ts";
import { cancelScope, sleep } from "../core/index.ts";
import { type FaultWire, faults, openFaultServer } from "../testing/index.ts";
import { HttpError, type Session, type SessionOptions, openSession } from "./index.ts";

const open = (options: SessionOptions = {}): Session =>
  openSession({ http2: "auto", tls: { ca: certificate }, retry: false, ...options });

const hello: AnswerHttp2 = (stream, headers) => {
  stream.respond({ ":status": 200, "x-path": headers[":path"], "set-cookie": ["a=1", "b=2"] });
  stream.end(`hello ${headers[":path"]}`);
};

test("all requests to a host share one connection", async () => {
  await using server = await http2Server(hello);
  await using session = open();
  const texts = await Promise.all(
    Array.from({ length: 80 }, async (_, i) => (await session.get(`${server.origin}/${i}`)).text()),
  );
  expect(texts).toEqual(Array.from({ length: 80 }, (_, i) => `hello /${i}`));
  expect(server.sessions).toHaveLength(1);
  expect(server.sessions[0]!.alpnProtocol).toBe("h2");
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 1 });
});

test("the limits count requests, also those that share a connection", async () => {
  let active = 0;
  let most = 0;
  await using server = await http2Server((stream) => {
    most = Math.max(most, ++active);
    setImmediate(() => {
      active--;
      stream.respond({ ":status": 204 }, { endStream: true });
    });
  });
  await using session = open({ limit: 3 });
  await Promise.all(Array.from({ length: 20 }, async () => (await session.get(server.origin)).discard()));
  expect(most).toBe(3);
  expect(server.sessions).toHaveLength(1);
});

test("headers go both ways, and those of a connection do not", async () => {
  const seen: Record<string, unknown>[] = [];
  await using server = await http2Server((stream, headers, session) => {
    seen.push({ ...headers });
    hello(stream, headers, session);
  });
  await using session = open();
  const response = await session.get(`${server.origin}/a?b=1`, {
    headers: { connection: "close", host: "other.test", "x-many": ["1", "2"], te: "gzip" },
  });
  expect(response.headers.get("x-path")).toBe("/a?b=1");
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect([...response.headers.keys()]).not.toContain(":status");
  await response.discard();
  expect(seen[0]).toMatchObject({ ":method": "GET", ":authority": "other.test", ":path": "/a?b=1", "x-many": "1, 2" });
  expect(seen[0]).not.toHaveProperty("connection");
  expect(seen[0]).not.toHaveProperty("te");
});

test("bodies are sent whole or piece by piece, as the connection takes them", async () => {
  await using server = await http2Server(echo);
  await using session = open();
  const post = async (body: NonNullable<Parameters<Session["post"]>[1]>["body"]): Promise<string> =>
    (await session.post(server.origin, { body: body! })).text();
  expect(await post("text ä")).toBe("text ä");
  expect(await post(Buffer.from("bytes"))).toBe("bytes");
  expect(await post(new Set(["a", "", Buffer.from("b")]))).toBe("ab");
  const large = "0123456789".repeat(200_000);
  expect(await post(large)).toBe(large);
  expect(await (await session.post(server.origin, { json: { a: 1 } })).json()).toEqual({ a: 1 });
  expect(server.sessions).toHaveLength(1);
});

test.each<[string, string | (() => Iterable<string>), number]>([
  ["shorter text", "abc", 10],
  ["longer text", "abc", 1],
  ["fewer pieces", () => new Set(["a", "b"]), 3],
  ["more pieces", () => new Set(["a", "bc"]), 2],
])("%s than announced fails its request before a server would close the connection of all", async (_, body, length) => {
  await using server = await http2Server(echo);
  await using session = open();
  const other = Promise.withResolvers<string>();
  const others = session.post(server.origin, {
    body: (async function* () {
      yield await other.promise;
    })(),
  });
  const wrong = session.post(server.origin, {
    body: typeof body === "string" ? body : body(),
    headers: { "content-length": length },
  });
  await expect(wrong).rejects.toThrow("the request cannot be sent: the body is not as long as its content-length says");
  await expect(wrong).rejects.toBeInstanceOf(TypeError);
  other.resolve("still there");
  expect(await (await others).text()).toBe("still there");
  expect(server.sessions).toHaveLength(1);
});

test("a source that fails, fails its request and leaves the others alone", async () => {
  await using server = await http2Server(echo);
  await using session = open();
  const boom = new Error("out of paper");
  async function* broken(): AsyncGenerator<string> {
    yield "a";
    await sleep(0);
    throw boom;
  }
  await expect(session.post(server.origin, { body: broken() }).then((response) => response.text())).rejects.toBe(boom);
  expect(await (await session.post(server.origin, { body: "b" })).text()).toBe("b");
  expect(server.sessions).toHaveLength(1);
});

test("a server may answer without wanting all of a body", async () => {
  const ended = Promise.withResolvers<void>();
  await using server = await http2Server((stream) => {
    stream.respond({ ":status": 413 });
    stream.end("too much");
  });
  await using session = open();
  async function* endless(): AsyncGenerator<string> {
    try {
      for (;;) yield "x".repeat(10_000);
    } finally {
      ended.resolve();
    }
  }
  const response = await session.post(server.origin, { body: endless() });
  expect(response.status).toBe(413);
  expect(await response.text()).toBe("too much");
  await ended.promise;
  expect(session.statistics()).toMatchObject({ active: 0, connections: 1 });
});

test("responses without a body are whole", async () => {
  await using server = await http2Server((stream, headers) => {
    if (headers[":method"] === "HEAD") stream.respond({ ":status": 200, "content-length": 500 }, { endStream: true });
    else stream.respond({ ":status": Number(headers[":path"]!.slice(1)) }, { endStream: true });
  });
  await using session = open();
  const head = await session.head(server.origin);
  expect([head.status, await head.text()]).toEqual([200, ""]);
  for (const status of [204, 304, 200]) {
    const response = await session.get(`${server.origin}/${status}`);
    expect([response.status, await response.text()]).toEqual([status, ""]);
  }
});

test("with a server that does not speak it, HTTP/1.1 is spoken, over the connection that found out", async () => {
  const sockets = new Set<unknown>();
  const server = createTlsServer({ cert: certificate, key: privateKey }, (request, response) => {
    sockets.add(request.socket);
    response.end(request.httpVersion);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  {
    await using session = open();
    const texts = await Promise.all([1, 2, 3].map(async () => (await session.get(origin)).text()));
    expect(texts).toEqual(["1.1", "1.1", "1.1"]);
    expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 3 });
    expect(await (await session.get(origin)).text()).toBe("1.1");
    expect(sockets.size).toBe(3);
    await using strict = open({ http2: true });
    await expect(strict.get(origin)).rejects.toMatchObject({
      code: "HTTP_CONNECTION",
      phase: "connect",
      causeCode: "ERR_TLS_NO_HTTP2",
      message: expect.stringContaining("the server does not speak HTTP/2"),
    });
    expect(strict.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
  }
  await new Promise((resolve) => server.close(resolve));
});

test("without TLS it is spoken where it is asked for always, and not where it is to be agreed on", async () => {
  await using server = await http2Server(hello, { plain: true });
  await using session = open({ http2: true });
  expect(await (await session.get(`${server.origin}/1`)).text()).toBe("hello /1");
  await using careful = open({ http2: "auto" });
  await expect(careful.get(server.origin)).rejects.toBeInstanceOf(HttpError);
});

test("it is spoken through the tunnel of a proxy", async () => {
  await using server = await http2Server(hello);
  await using proxy = await proxyServer();
  await using session = open({ proxy: proxy.url });
  const texts = await Promise.all([1, 2].map(async (i) => (await session.get(`${server.origin}/${i}`)).text()));
  expect(texts).toEqual(["hello /1", "hello /2"]);
  expect(proxy.requests).toHaveLength(1);
});

test("a cancelled request resets its stream, and the connection serves the others", async () => {
  const resets: number[] = [];
  const started = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  await using server = await http2Server((stream, headers, session) => {
    if (headers[":path"] !== "/slow") return hello(stream, headers, session);
    stream.on("close", () => {
      resets.push(stream.rstCode);
      closed.resolve();
    });
    started.resolve();
  });
  await using session = open();
  await cancelScope(async (scope) => {
    const slow = session.get(`${server.origin}/slow`);
    await started.promise;
    scope.cancel();
    await slow;
  });
  await closed.promise;
  expect(resets).toEqual([constants.NGHTTP2_CANCEL]);
  expect(await (await session.get(`${server.origin}/next`)).text()).toBe("hello /next");
  expect(server.sessions).toHaveLength(1);
});

/** Passes bytes on to `port`, but for the connections that it has become deaf to: those stay open, and nothing moves. */
async function deafRelay(port: number) {
  const deaf = new Set<number>();
  let connections = 0;
  const relay = createTcpServer((near) => {
    const number = ++connections;
    const far = connect(port, "127.0.0.1");
    near.on("data", (chunk) => deaf.has(number) || far.write(chunk));
    far.on("data", (chunk) => deaf.has(number) || near.write(chunk));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on("error", () => {}).on("close", () => other.destroy());
  }).listen(0, "127.0.0.1");
  await once(relay, "listening");
  return {
    origin: `https://localhost:${(relay.address() as AddressInfo).port}`,
    deaf,
    [Symbol.asyncDispose]: async () => void relay.close(),
  };
}

test("a connection that has died in silence is not used again, and closed when the last request has left it", async () => {
  await using server = await http2Server(hello);
  await using relay = await deafRelay(Number(new URL(server.origin).port));
  await using session = open();
  await (await session.get(relay.origin)).text();
  relay.deaf.add(1);
  await cancelScope(async (scope) => {
    const first = session.get(relay.origin).catch(() => {});
    await cancelScope(async (inner) => {
      const second = session.get(relay.origin);
      await sleep(1_100);
      inner.cancel();
      await second;
    });
    expect(await (await session.get(`${relay.origin}/next`)).text()).toBe("hello /next");
    expect(session.statistics()).toMatchObject({ active: 1, connections: 2 });
    scope.cancel();
    await first;
  });
  if (!server.sessions[0]!.destroyed) await once(server.sessions[0]!, "close");
  expect(await (await session.get(`${relay.origin}/last`)).text()).toBe("hello /last");
  expect(server.sessions).toHaveLength(2);
});

test("a connection that has died within a response is not used again", async () => {
  await using server = await http2Server((stream, headers, session) => {
    if (headers[":path"] !== "/begin") return hello(stream, headers, session);
    stream.respond({ ":status": 200 });
    stream.write("beginning");
  });
  await using relay = await deafRelay(Number(new URL(server.origin).port));
  await using session = open();
  const response = await session.get(`${relay.origin}/begin`);
  for await (const _ of response.body) {
    relay.deaf.add(1);
    await sleep(1_100);
    break;
  }
  expect(await (await session.get(`${relay.origin}/next`)).text()).toBe("hello /next");
  expect(server.sessions).toHaveLength(2);
});

test("a server that is merely slow is asked for a sign of life, and keeps its connection", async () => {
  await using server = await http2Server((stream, headers, session) => {
    if (headers[":path"] === "/patient") session.once("ping", () => hello(stream, headers, session));
    else if (headers[":path"] !== "/slow") hello(stream, headers, session);
  });
  await using session = open();
  await (await session.get(server.origin)).text();
  const patient = session.get(`${server.origin}/patient`);
  await cancelScope(async (scope) => {
    const slow = session.get(`${server.origin}/slow`);
    await sleep(1_100);
    scope.cancel();
    await slow;
  });
  expect(await (await patient).text()).toBe("hello /patient");
  expect(await (await session.get(`${server.origin}/next`)).text()).toBe("hello /next");
  expect(server.sessions).toHaveLength(1);
});

test("a response given up half way, or too long, resets its stream alone", async () => {
  await using server = await http2Server((stream) => {
    stream.respond({ ":status": 200 });
    stream.write("x".repeat(100_000));
  });
  await using session = open();
  {
    using response = await session.get(server.origin);
    expect(response.status).toBe(200);
  }
  const large = await session.get(server.origin, { maxBodyBytes: 1_000 });
  await expect(large.text()).rejects.toMatchObject({ code: "HTTP_BODY_TOO_LARGE" });
  const late = await session.get(server.origin, { timeout: { idleMs: 20 } });
  await expect(late.text()).rejects.toMatchObject({ code: "HTTP_TIMEOUT", phase: "idle" });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 1 });
});

test("a response that nobody reads makes its server wait, and holds up no other", async () => {
  const body = "0123456789".repeat(200_000);
  await using server = await http2Server((stream) => {
    stream.respond({ ":status": 200 });
    stream.end(body);
  });
  await using session = open();
  const unread = await session.get(server.origin);
  for (let i = 0; i < 3; i++) expect(await (await session.get(server.origin)).text()).toBe(body);
  expect(await unread.text()).toBe(body);
  expect(server.sessions).toHaveLength(1);
});

test("a server that takes fewer requests at once gets more connections", async () => {
  await using server = await http2Server(hello, { settings: { maxConcurrentStreams: 2 } });
  await using session = open();
  const all = Array.from({ length: 6 }, async (_, i) => (await session.get(`${server.origin}/${i}`)).text());
  expect(await Promise.all(all)).toHaveLength(6);
  expect(server.sessions.length).toBeLessThanOrEqual(3);
  const before = server.sessions.length;
  for (let i = 0; i < 5; i++) await (await session.get(server.origin)).text();
  expect(server.sessions).toHaveLength(before);
});

test("requests one after the other stay on one connection, also where the server takes one at a time", async () => {
  await using server = await http2Server(hello, { settings: { maxConcurrentStreams: 1 } });
  await using session = open({ limit: 1 });
  await Promise.all(Array.from({ length: 10 }, async () => (await session.get(server.origin)).text()));
  expect(server.sessions).toHaveLength(1);
});

test("a server that takes no requests fails them, without being asked again and again", async () => {
  await using server = await http2Server(hello, { settings: { maxConcurrentStreams: 0 } });
  await using session = open();
  await expect(session.get(server.origin)).rejects.toMatchObject({
    code: "HTTP_CONNECTION",
    phase: "connect",
    message: expect.stringContaining("the server takes no requests on a new connection"),
  });
  expect(server.sessions).toHaveLength(1);
});

test.each([
  ["REFUSED_STREAM", constants.NGHTTP2_REFUSED_STREAM, true],
  ["INTERNAL_ERROR", constants.NGHTTP2_INTERNAL_ERROR, false],
  ["CANCEL", constants.NGHTTP2_CANCEL, false],
  ["ENHANCE_YOUR_CALM", constants.NGHTTP2_ENHANCE_YOUR_CALM, false],
])("a stream reset with %s says so, and whether the request was processed", async (name, code, isUnprocessed) => {
  await using server = await http2Server((stream, headers, session) => {
    if (headers[":path"] === "/bad") stream.close(code);
    else hello(stream, headers, session);
  });
  await using session = open();
  await expect(session.get(`${server.origin}/bad`)).rejects.toMatchObject({
    code: "HTTP_CONNECTION",
    phase: "request",
    causeCode: `HTTP2_${name}`,
    isUnprocessed,
  });
  expect(await (await session.get(`${server.origin}/good`)).text()).toBe("hello /good");
  expect(server.sessions).toHaveLength(1);
});

test("what the server has not processed is sent again, whatever the method", async () => {
  let count = 0;
  await using server = await http2Server((stream, headers, session) => {
    if (++count === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else hello(stream, headers, session);
  });
  await using session = open({ retry: true });
  expect(await (await session.post(`${server.origin}/1`, { body: "once" })).text()).toBe("hello /1");
  expect(count).toBe(2);
});

test.each(["NO_ERROR", "CANCEL", "INTERNAL_ERROR"] as const)(
  "a body that ends too early by %s is not taken for whole",
  async (name) => {
    const play = async (wire: FaultWire): Promise<void> => {
      await wire.head({ status: 200, headers: { "content-length": "100" } });
      await wire.body("only this");
      await wire.resetStream(constants[`NGHTTP2_${name}`]);
    };
    await using server = await openFaultServer({ name: "half a body", play }, { http2: true });
    await using session = open({ http2: true });
    const response = await session.get(server.url);
    await expect(response.text()).rejects.toMatchObject({
      code: "HTTP_CONNECTION",
      phase: "response",
      causeCode: `HTTP2_${name}`,
    });
  },
);

test("GOAWAY lets end what the server has begun, and the rest may be made again elsewhere", async () => {
  const streams: { path: string | undefined; end: () => void }[] = [];
  const both = Promise.withResolvers<void>();
  await using server = await http2Server((stream, headers, session) => {
    if (server.sessions.length > 1) return hello(stream, headers, session);
    streams.push({ path: headers[":path"], end: () => hello(stream, headers, session) });
    if (streams.length === 2) both.resolve();
  });
  await using session = open();
  const first = session.get(`${server.origin}/1`);
  const second = session.get(`${server.origin}/2`);
  const outcome = Promise.allSettled([second]);
  await both.promise;
  server.sessions[0]!.goaway(constants.NGHTTP2_NO_ERROR, 1);
  expect(await outcome).toMatchObject([{ reason: { code: "HTTP_CONNECTION", isUnprocessed: true } }]);
  streams[0]!.end();
  expect(await (await first).text()).toBe("hello /1");
  expect(await (await session.get(`${server.origin}/3`)).text()).toBe("hello /3");
  expect(server.sessions).toHaveLength(2);
});

test("GOAWAY with an error ends all, and says which requests the server has not looked at", async () => {
  let count = 0;
  await using server = await http2Server((_stream, _headers, session) => {
    if (++count === 2) session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 1);
  });
  await using session = open();
  const outcomes = await Promise.allSettled([session.get(`${server.origin}/1`), session.get(`${server.origin}/2`)]);
  expect(outcomes).toMatchObject([
    { reason: { code: "HTTP_CONNECTION", isUnprocessed: false, causeCode: "HTTP2_ENHANCE_YOUR_CALM" } },
    { reason: { code: "HTTP_CONNECTION", isUnprocessed: true } },
  ]);
  expect(session.statistics()).toMatchObject({ active: 0 });
});

test("a connection that breaks fails all requests on it, and the next opens another", async () => {
  let count = 0;
  await using server = await http2Server((stream, headers, session) => {
    if (server.sessions.length > 1) return hello(stream, headers, session);
    if (++count === 3) server.sockets[0]!.destroy();
  });
  await using session = open();
  const outcomes = await Promise.allSettled([1, 2, 3].map((i) => session.get(`${server.origin}/${i}`)));
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({
      reason: {
        code: "HTTP_CONNECTION",
        phase: "request",
        isUnprocessed: false,
        causeCode: "ECONNRESET",
        message: expect.stringContaining("the connection was closed"),
      },
    });
  }
  expect(await (await session.get(`${server.origin}/4`)).text()).toBe("hello /4");
});

test("a server that says something else than HTTP/2 is a broken one", async () => {
  await using server = await rawServer();
  await using session = open({ http2: true });
  const outcome = Promise.allSettled([session.get(server.origin)]);
  const peer = await server.accept();
  peer.respond("hello");
  expect(await outcome).toMatchObject([{ reason: { code: "HTTP_PROTOCOL" } }]);
  await peer.closed;
});

test("a server that closes before it has said what it takes is a failed connection", async () => {
  await using server = await rawServer();
  await using session = open({ http2: true });
  const outcome = Promise.allSettled([session.get(server.origin)]);
  const peer = await server.accept();
  peer.socket.end();
  expect(await outcome).toMatchObject([{ reason: { code: "HTTP_CONNECTION", phase: "connect" } }]);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a server that never says what it takes has no more time than any other connection", async () => {
  await using server = await rawServer();
  await using session = open({ http2: true, timeout: { connectMs: 50 } });
  const outcome = Promise.allSettled([session.get(server.origin), session.get(server.origin)]);
  const peer = await server.accept();
  const late = { reason: { code: "HTTP_TIMEOUT", phase: "connect" } };
  expect(await outcome).toMatchObject([late, late]);
  await peer.closed;
});

test("a connection that nobody waits for any more is not opened", async () => {
  await using server = await rawServer();
  await using session = open({ http2: true });
  let closed: Promise<void> | undefined;
  await cancelScope(async (scope) => {
    const request = session.get(server.origin);
    closed = (await server.accept()).closed;
    scope.cancel();
    await request;
  });
  await closed!;
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
});

test("a connection is closed when nobody has needed it for a while", async () => {
  await using server = await http2Server(hello);
  await using session = open({ keepAliveMs: 20 });
  await (await session.get(server.origin)).text();
  if (!server.sessions[0]!.destroyed) await once(server.sessions[0]!, "close");
  expect(await (await session.get(`${server.origin}/2`)).text()).toBe("hello /2");
  expect(server.sessions).toHaveLength(2);
});

test("a lower limit closes connections that nobody uses", async () => {
  await using server = await http2Server(hello, { settings: { maxConcurrentStreams: 1 } });
  await using session = open({ limit: 3 });
  await Promise.all([1, 2, 3].map(async () => (await session.get(server.origin)).text()));
  const closed = server.sessions.slice(0, -1).map((one) => once(one, "close"));
  session.limit = 1;
  await Promise.race(closed);
  expect(await (await session.get(`${server.origin}/next`)).text()).toBe("hello /next");
});

test("closing the session ends what is under way and closes the connections", async () => {
  const both = Promise.withResolvers<void>();
  await using server = await http2Server((stream, headers) => {
    if (headers[":path"] === "/2") both.resolve();
    else stream.respond({ ":status": 200 });
  });
  const session = open();
  const response = await session.get(`${server.origin}/1`);
  const outcome = Promise.allSettled([response.text(), session.get(`${server.origin}/2`)]);
  await both.promise;
  await session[Symbol.asyncDispose]();
  const closed = { reason: { code: "HTTP_SESSION_CLOSED" } };
  expect(await outcome).toMatchObject([closed, closed]);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("whatever servers do and whenever one is cancelled: all requests end, and nothing is left", async () => {
  const body = "x".repeat(200_000);
  let served = 0;
  const behaviours: readonly AnswerHttp2[] = [
    hello,
    (stream) => stream.respond({ ":status": 204 }, { endStream: true }),
    (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
    (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    (stream) => {
      stream.respond({ ":status": 200 });
      stream.end(body);
    },
    (stream) => {
      stream.respond({ ":status": 200, "content-length": 10 });
      stream.write("half", () => stream.close(constants.NGHTTP2_CANCEL));
    },
    (stream) => stream.respond({ ":status": 200 }),
    () => {},
    hello,
    (stream, headers, session) => (served % 5 === 0 ? session.close() : hello(stream, headers, session)),
    (stream, headers, session) =>
      served % 7 === 0 ? server.sockets.at(-1)!.destroy() : hello(stream, headers, session),
    (stream, headers, session) =>
      served % 6 === 0 ? session.goaway(constants.NGHTTP2_INTERNAL_ERROR, 1) : hello(stream, headers, session),
  ];
  await using server = await http2Server((...request) => behaviours[served++ % behaviours.length]!(...request), {
    settings: { maxConcurrentStreams: 8 },
  });
  await using session = open({ limit: 20, timeout: { headersMs: 60, idleMs: 60 } });
  const outcomes = await storm(600, async (i) => {
    if (i % 3 === 0) return await (await session.get(server.origin)).text();
    if (i % 3 === 1) return (await session.post(server.origin, { body: new Set([body, "more"]) })).discard();
    using response = await session.post(server.origin, { json: i });
    await sleep(i % 3);
    return response.status;
  });
  expect(outcomes.wrong).toEqual([]);
  expect(Math.min(outcomes.ok, outcomes.failed)).toBeGreaterThan(100);
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
  expect(session.statistics().connections).toBeLessThanOrEqual(20);
});

test("a wrong option is refused when the session is opened", () => {
  expect(() => openSession({ http2: "h2" as never })).toThrow('Expected `http2` to be a boolean or "auto", got "h2"');
});

test("a server that goes away, refuses or resets, as real ones do, is met by sending again", async () => {
  const bad = [faults.refuseStream(), faults.goAway(), faults.resetStream(), faults.ok("at last")];
  await using server = await openFaultServer({ "/all": bad, "*": faults.ok("fine") }, { http2: true });
  await using session = open({ http2: true, retry: { attempts: 10, backoff: () => 1 } });
  expect(await (await session.get(`${server.url}/all`)).text()).toBe("at last");
  expect(await (await session.get(`${server.url}/other`)).text()).toBe("fine");
  expect(server.statistics().requests).toBe(5);
});
