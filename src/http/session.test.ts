import { expect, test } from "vitest";
import { httpServer, rawServer } from "../../test/http-server.ts";
import { Semaphore } from "../sync/index.ts";
import { sleep } from "../core/index.ts";
import { type Fault, faults, openFaultServer } from "../testing/index.ts";
import { type HttpRequestOptions, type SessionOptions, openSession } from "./index.ts";

test("get gives status, headers and body", async () => {
  await using server = await httpServer((request, response) => {
    response.writeHead(201, { "x-one": "1", "set-cookie": ["a=1", "b=2"] });
    response.end(`${request.method} ${request.url}`);
  });
  await using session = openSession();
  const response = await session.get(server.url("/path?q=1#fragment"));
  expect(response.status).toBe(201);
  expect(response.ok).toBe(true);
  expect(response.url).toBe(server.url("/path?q=1"));
  expect(response.headers.get("x-one")).toBe("1");
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(await response.text()).toBe("GET /path?q=1");
});

test("a status of failure is a response like any other", async () => {
  await using server = await httpServer((_request, response) => {
    response.statusCode = 503;
    response.end("busy");
  });
  await using session = openSession();
  const response = await session.get(server.origin);
  expect([response.status, response.ok, await response.text()]).toEqual([503, false, "busy"]);
});

test("each method goes out as itself", async () => {
  await using server = await httpServer((request, response) => void response.end(request.method));
  await using session = openSession({ baseUrl: server.origin });
  const responses = [
    await session.get("/"),
    await session.post("/"),
    await session.put("/"),
    await session.patch("/"),
    await session.delete("/"),
    await session.request("options", "/"),
    await session.request("PURGE", "/"),
  ];
  const bodies: string[] = [];
  for (const response of responses) bodies.push(await response.text());
  expect(bodies).toEqual(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"]);
});

test("head has headers and no body", async () => {
  await using server = await httpServer((_request, response) => {
    response.setHeader("content-length", 1_000);
    response.end();
  });
  await using session = openSession({ maxBodyBytes: 10 });
  const response = await session.head(server.origin);
  expect(response.headers.get("content-length")).toBe("1000");
  expect((await response.bytes()).length).toBe(0);
});

test("relative URLs go below the base URL, absolute paths below its origin", async () => {
  await using server = await httpServer((request, response) => void response.end(request.url));
  await using session = openSession({ baseUrl: server.url("/v1?ignored") });
  const ask = async (url: string) => await (await session.get(url, { query: { page: 2 } })).text();
  expect(await ask("users")).toBe("/v1/users?page=2");
  expect(await ask("/users?a=1")).toBe("/users?a=1&page=2");
  expect(await ask("../x")).toBe("/x?page=2");
});

test("the session's headers go with each request, and give way to the request's own", async () => {
  await using server = await httpServer((request, response) => void response.end(JSON.stringify(request.headers)));
  await using session = openSession({
    baseUrl: server.origin,
    headers: { "X-A": "1", "X-B": "2", accept: "text/plain" },
  });
  const response = await session.get("/", { headers: { "x-b": "3", "x-c": ["4", "5"], "user-agent": undefined } });
  const headers = await response.json<Record<string, string>>();
  expect(headers).toMatchObject({ "x-a": "1", "x-b": "3", "x-c": "4, 5", accept: "text/plain" });
  expect(headers).not.toHaveProperty("user-agent");
});

test("credentials of the session stay with its base URL", async () => {
  await using home = await httpServer((request, response) => void response.end(request.headers.authorization));
  await using other = await httpServer(
    (request, response) => void response.end(request.headers.authorization ?? "none"),
  );
  await using session = openSession({ baseUrl: home.origin, headers: { Authorization: "Bearer secret" } });
  expect(await (await session.get("/")).text()).toBe("Bearer secret");
  expect(await (await session.get(other.origin)).text()).toBe("none");
});

test("user and password of a URL become a header, and show nowhere", async () => {
  await using server = await httpServer((request, response) => void response.end(request.headers.authorization));
  await using session = openSession();
  const response = await session.get(server.origin.replace("//", "//me:p%40ss@"));
  expect(response.url).toBe(server.url("/"));
  expect(await response.text()).toBe(`Basic ${btoa("me:p@ss")}`);
});

test("a connection serves one request after another", async () => {
  await using server = await httpServer((_request, response) => void response.end("x"));
  await using session = openSession();
  for (let i = 0; i < 3; i++) await (await session.get(server.origin)).text();
  expect(server.peers.length).toBe(1);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 1 });
});

test("a connection the server closed between requests is replaced", async () => {
  await using server = await rawServer();
  await using session = openSession({ baseUrl: server.origin });
  const ask = async () => await (await session.get("/")).text();
  const first = ask();
  const peer = await server.accept();
  await peer.head();
  peer.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\na");
  peer.socket.end();
  expect(await first).toBe("a");
  const second = ask();
  const next = await server.accept();
  await next.head();
  next.respond("b");
  expect(await second).toBe("b");
});

test("as many requests are under way as the limits allow, in all and for each host, and no more", async () => {
  const held: (() => void)[] = [];
  let [most, expected] = [0, 0];
  const answer: Parameters<typeof httpServer>[0] = (_request, response) => {
    most = Math.max(
      most,
      held.push(() => response.end("x")),
    );
    if (held.length === expected) setImmediate(() => held.splice(0).forEach((respond) => respond()));
  };
  await using one = await httpServer(answer);
  await using two = await httpServer(answer);
  const mostUnder = async (options: object, servers: readonly { origin: string }[], upTo: number) => {
    [most, expected] = [0, upTo];
    await using session = openSession(options);
    await Promise.all(servers.flatMap(({ origin }) => Array.from({ length: 12 }, () => session.get(origin))));
    return most;
  };
  expect(await mostUnder({ limit: 3 }, [one, two], 3)).toBe(3);
  expect(await mostUnder({ limitPerHost: 2 }, [one], 2)).toBe(2);
  expect(await mostUnder({ limitPerHost: 2 }, [one, two], 4)).toBe(4);
});

test("a limiter has its permit back, and a report, when the response is through", async () => {
  await using server = await rawServer();
  const limiter = new Semaphore(1);
  await using session = openSession({ limiter });
  const pending = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na");
  const response = await pending;
  expect(limiter.statistics().inUse).toBe(1);
  peer.send("b");
  expect(await response.text()).toBe("ab");
  expect(limiter.statistics().inUse).toBe(0);
});

test("idle connections make way for other hosts: never more are open than the limit", async () => {
  await using one = await httpServer((_request, response) => void response.end("1"));
  await using two = await httpServer((_request, response) => void response.end("2"));
  await using session = openSession({ limit: 2 });
  await Promise.all([session.get(one.origin), session.get(one.origin)]);
  await Promise.all([session.get(two.origin), session.get(two.origin)]);
  expect(session.statistics().connections).toBe(2);
  await Promise.all(one.peers.map((peer) => peer.closed));
});

test("disposal ends what is under way and in line, and waits for the sockets", async () => {
  await using server = await rawServer();
  const session = openSession({ limit: 1 });
  const [sent, inLine] = [session.get(server.origin), session.get(server.origin)];
  const peer = await server.accept();
  await peer.head();
  await Promise.all([
    expect(sent).rejects.toMatchObject({ code: "HTTP_SESSION_CLOSED" }),
    expect(inLine).rejects.toMatchObject({ code: "HTTP_SESSION_CLOSED" }),
    session[Symbol.asyncDispose](),
  ]);
  await peer.closed;
  await expect(session.get(server.origin)).rejects.toMatchObject({ code: "HTTP_SESSION_CLOSED" });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test.each<[string, Fault, SessionOptions]>([
  ["permit", faults.ok(), { ratePerHost: { limit: 1, perMs: 3_600_000 } }],
  ["turn", faults.hang(), { rate: { limit: 9, perMs: 3_600_000 }, limitPerHost: 1 }],
])("a request that waits for its %s ends with its session", async (_, fault, options) => {
  await using server = await openFaultServer(fault);
  const session = openSession(options);
  const first = session.get(server.url).catch(() => {});
  const second = session.get(server.url);
  await server.until(({ requests }) => requests === 1);
  await Promise.all([
    expect(second).rejects.toMatchObject({ code: "HTTP_SESSION_CLOSED" }),
    session[Symbol.asyncDispose](),
  ]);
  await first;
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test.each<[string, Fault, SessionOptions]>([
  ["because it failed", faults.status(500), { retry: { backoff: () => 3_600_000, maxTimeMs: Infinity } }],
  ["when its host is ready", faults.busy({ retryAfter: 3_600 }), {}],
  ["when its host is ready, with a permit", faults.busy({ retryAfter: 3_600 }), { rate: { limit: 9, perMs: 1_000 } }],
])("a request that is to be sent again %s ends with its session", async (_, fault, options) => {
  await using server = await openFaultServer(fault);
  const waiting = Promise.withResolvers<void>();
  const session = openSession({ ...options, hooks: { beforeRetry: () => waiting.resolve() } });
  const request = session.get(server.url);
  await waiting.promise;
  await sleep(1);
  await Promise.all([
    expect(request).rejects.toMatchObject({ code: "HTTP_SESSION_CLOSED" }),
    session[Symbol.asyncDispose](),
  ]);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a request that undici refuses is a TypeError, and frees its slot", async () => {
  await using session = openSession({ limit: 1 });
  const wrong = Array.from({ length: 5_000 }, () =>
    session.get("http://127.0.0.1:1/", { headers: { "content-length": "x" } }),
  );
  const outcomes = await Promise.allSettled(wrong);
  expect(outcomes.every((outcome) => outcome.status === "rejected" && outcome.reason instanceof TypeError)).toBe(true);
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
});

test.each([
  [{ limit: 0 }, RangeError, "Expected `limit` to be an integer of 1 or more, got `0` (number)"],
  [
    { timeout: { idleMs: 0 } },
    RangeError,
    "Expected `timeout.idleMs` to be a number of milliseconds above 0, or Infinity, got `0`",
  ],
  [{ timeout: -1 }, RangeError, "Expected `timeout` to be"],
  [
    { maxBodyBytes: "1" },
    TypeError,
    'Expected `maxBodyBytes` to be a number of bytes, 0 or more, or Infinity, got "1" (string)',
  ],
  [{ baseUrl: "example.com" }, TypeError, 'Expected `baseUrl` to be an http or https URL, got "example.com" (string)'],
  [{ limiter: 3 }, TypeError, "Expected `limiter` to be a Limiter"],
  [{ headers: { "bad name": "x" } }, TypeError, "Expected `headers` to be named by HTTP tokens"],
])("openSession(%o) throws", (options, Kind, message) => {
  const open = () => openSession(options as object);
  expect(open).toThrow(Kind);
  expect(open).toThrow(message);
});

test.each<[string, unknown, string]>([
  ["/relative", {}, "or the session to have a `baseUrl`"],
  ["ftp://host/", {}, "Expected `url` to be a whole http or https URL"],
  ["http://me:secret@[x/", {}, 'got "http://***@[x/" (string)'],
  [
    "http://host/",
    { headers: { a: "1\r\nb: 2" } },
    "The header `a` has a character that HTTP does not allow in headers: U+000D at 1",
  ],
  [
    "http://host/",
    { headers: { "transfer-encoding": "chunked" } },
    "The header `transfer-encoding` is set by the connection",
  ],
  ["http://host/", { json: 1, body: "x" }, "Expected either `json` or `body`, got both"],
  ["http://host/", { json: () => 1 }, "Expected `json` to be a value that JSON can hold, got a function"],
  [
    "http://host/",
    { body: { a: 1 } },
    "Expected `body` to be a string, bytes, a form, a file, a Blob or an iterable of bytes",
  ],
  ["http://host/", { query: "a=1" }, "Expected `query` to be an object or URLSearchParams"],
  [
    "http://host/",
    { query: { a: {} } },
    "Expected `query.a` to be a string, a number or a boolean, got an object (Object)",
  ],
])("get(%j, %o) rejects", async (url, options, message) => {
  await using session = openSession();
  const failure = session.get(url, options as HttpRequestOptions);
  await expect(failure).rejects.toThrow(TypeError);
  await expect(failure).rejects.toThrow(message);
});

test("request refuses methods that are none", async () => {
  await using session = openSession();
  await expect(session.request("GE T", "http://host/")).rejects.toThrow("Expected `method` to be an HTTP method");
  await expect(session.request("CONNECT", "http://host/")).rejects.toThrow(TypeError);
});
