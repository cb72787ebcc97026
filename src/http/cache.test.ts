import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { rawServer } from "../../test/http-server.ts";
import { ContextVar, type Scope, cancelScope, checkpoint, run, sleep, taskGroup } from "../core/index.ts";
import { type Fault, type FaultServer, faults, openFaultServer } from "../testing/index.ts";
import {
  type CacheUse,
  HttpCache,
  type HttpRequestOptions,
  type SessionOptions,
  fetchWhole,
  openSession,
} from "./index.ts";

const ok = (body: string, headers: Record<string, string | string[]>): Fault => faults.ok(body, { headers });
const fresh = (body: string): Fault => ok(body, { "cache-control": "max-age=60" });
const open = (options: SessionOptions = {}) =>
  openSession({ cache: true, retry: { backoff: () => 1, attempts: 2 }, ...options });

/** Asks, reads all, and says what came and where from. */
async function ask(
  session: ReturnType<typeof open>,
  url: string,
  options?: HttpRequestOptions,
): Promise<[string, CacheUse | undefined]> {
  const response = await session.get(url, options);
  return [await response.text(), response.fromCache];
}

const header = (server: FaultServer, name: string): (string | undefined)[] =>
  server.requests.map(({ headers }) => headers[name]);

test("what is fresh is not asked for again", async () => {
  await using server = await openFaultServer([
    ok('{"a":1}', { "cache-control": "max-age=60", "x-a": "1", "set-cookie": ["a=1", "b=2"] }),
    faults.reset(),
  ]);
  await using session = open();
  expect(await ask(session, server.url)).toEqual(['{"a":1}', undefined]);
  const response = await session.get(server.url);
  expect([response.status, response.url, response.fromCache]).toEqual([200, `${server.url}/`, "fresh"]);
  expect(response.headers.get("x-a")).toBe("1");
  expect(response.headers.get("age")).toMatch(/^\d+$/);
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(await response.json()).toEqual({ a: 1 });
  await expect(response.text()).rejects.toThrow("the body has been read already");
  expect(session.cache?.statistics()).toMatchObject({ entries: 1, hits: 1, validated: 0, misses: 1 });
  expect(session.statistics().active).toBe(0);
});

test("what one reader does with the bytes is not seen by the next", async () => {
  await using server = await openFaultServer([fresh("hello"), faults.reset()]);
  await using session = open();
  for (let i = 0; i < 3; i++) {
    const bytes = await (await session.get(server.url)).bytes();
    expect(Buffer.from(bytes).toString()).toBe("hello");
    bytes.fill(0);
  }
});

test("pieces, lines and an empty body come out of the cache too", async () => {
  await using server = await openFaultServer({ "/lines": fresh("a\nb\n"), "/empty": fresh("") });
  await using session = open({ baseUrl: server.url });
  for (let i = 0; i < 2; i++) {
    expect(await Array.fromAsync((await session.get("/lines")).lines())).toEqual(["a", "b"]);
    expect(await Array.fromAsync((await session.get("/empty")).body)).toEqual([]);
  }
  expect(server.requests.length).toBe(2);
});

test("what is stale is asked for with its ETag; a 304 brings new headers, and it is fresh again", async () => {
  await using server = await openFaultServer([
    ok("hello", { etag: '"1"', "cache-control": "max-age=0", "x-a": "old", "x-b": "kept" }),
    faults.status(304, "", { headers: { etag: '"1"', "cache-control": "max-age=60", "x-a": "new", "x-c": "added" } }),
    faults.reset(),
  ]);
  await using session = open();
  expect(await ask(session, server.url)).toEqual(["hello", undefined]);
  const validated = await session.get(server.url);
  expect([validated.status, await validated.text(), validated.fromCache]).toEqual([200, "hello", "validated"]);
  expect(Object.fromEntries(validated.headers)).toMatchObject({ "x-a": "new", "x-b": "kept", "x-c": "added" });
  expect(validated.headers.get("content-length")).toBe("5");
  expect(await ask(session, server.url)).toEqual(["hello", "fresh"]);
  expect(header(server, "if-none-match")).toEqual([undefined, '"1"']);
  expect(session.cache?.statistics()).toMatchObject({ entries: 1, hits: 1, validated: 1, misses: 1 });
});

test("an old answer that is still good is as young as the word of the server", async () => {
  const etag = '"1"';
  await using server = await openFaultServer([
    ok("hello", { etag, "cache-control": "max-age=60", age: "100", date: "Wed, 21 Oct 2015 07:28:00 GMT" }),
    faults.status(304, "", { headers: { etag } }),
    faults.reset(),
  ]);
  await using session = open();
  const uses = [await ask(session, server.url), await ask(session, server.url), await ask(session, server.url)];
  expect(uses.map(([, use]) => use)).toEqual([undefined, "validated", "fresh"]);
});

test("without an ETag it is asked for with the date of its last change", async () => {
  const date = "Wed, 21 Oct 2015 07:28:00 GMT";
  await using server = await openFaultServer([
    ok("hello", { "last-modified": date }),
    faults.status(304, "", { headers: { "last-modified": date } }),
  ]);
  await using session = open();
  expect(await ask(session, server.url)).toEqual(["hello", undefined]);
  expect(await ask(session, server.url)).toEqual(["hello", "validated"]);
  expect(header(server, "if-modified-since")).toEqual([undefined, date]);
});

test("what has changed takes the place of what there was", async () => {
  await using server = await openFaultServer([
    ok("old", { etag: '"1"' }),
    ok("new", { etag: '"2"' }),
    faults.status(304),
  ]);
  await using session = open();
  const texts = [await ask(session, server.url), await ask(session, server.url), await ask(session, server.url)];
  expect(texts.slice(0, 2)).toEqual([
    ["old", undefined],
    ["new", undefined],
  ]);
  expect(header(server, "if-none-match").slice(0, 3)).toEqual([undefined, '"1"', '"2"']);
  expect(session.cache?.statistics().entries).toBeLessThanOrEqual(1);
});

test("a 304 that is about something else is not believed: it is asked for again, without conditions", async () => {
  await using server = await openFaultServer([
    ok("old", { etag: '"1"' }),
    faults.status(304, "", { headers: { etag: '"other"' } }),
    ok("new", { etag: '"2"' }),
  ]);
  await using session = open();
  await ask(session, server.url);
  expect(await ask(session, server.url)).toEqual(["new", undefined]);
  expect(header(server, "if-none-match")).toEqual([undefined, '"1"', undefined]);
});

test.each<[string, Record<string, string>]>([
  ["no-store", { "cache-control": "no-store, max-age=60" }],
  ["Vary: *", { "cache-control": "max-age=60", vary: "*" }],
  ["without a word", {}],
  ["a broken max-age", { "cache-control": "max-age=soon" }],
  ["Expires in the past", { expires: "Thu, 01 Jan 1970 00:00:00 GMT" }],
])("not kept: %s", async (_name, headers) => {
  await using server = await openFaultServer([ok("one", headers), ok("two", headers)]);
  await using session = open();
  expect([await ask(session, server.url), await ask(session, server.url)]).toEqual([
    ["one", undefined],
    ["two", undefined],
  ]);
  expect(session.cache?.statistics()).toMatchObject({ entries: 0, bytes: 0 });
});

test.each<[string, Record<string, string>]>([
  ["private", { "cache-control": "private, max-age=60" }],
  ["in capitals", { "cache-control": "Public, MAX-AGE=60" }],
  ["must-revalidate while fresh", { "cache-control": "max-age=60, must-revalidate" }],
  ["Expires in the future", { expires: "Thu, 01 Jan 2099 00:00:00 GMT" }],
])("kept: %s", async (_name, headers) => {
  await using server = await openFaultServer([ok("one", headers), ok("two", headers)]);
  await using session = open();
  await ask(session, server.url);
  const response = await session.get(server.url);
  expect([await response.text(), response.fromCache]).toEqual(["one", "fresh"]);
  expect(response.headers.get("cache-control")).toBe(headers["cache-control"] ?? null);
});

test("a response that depends on headers is given to those who send the same", async () => {
  await using server = await openFaultServer(({ headers }) =>
    ok(`in ${headers["accept-language"] as string}`, {
      "cache-control": "max-age=60",
      vary: "Accept-Language, X-None",
    }),
  );
  await using session = open();
  const inLanguage = (language: string) => ask(session, server.url, { headers: { "accept-language": language } });
  for (const language of ["de", "en"]) expect(await inLanguage(language)).toEqual([`in ${language}`, undefined]);
  for (const language of ["de", "en", "de"]) expect(await inLanguage(language)).toEqual([`in ${language}`, "fresh"]);
  expect(server.requests.length).toBe(2);
});

test("a response that depends on what a hook has put on is not kept", async () => {
  await using server = await openFaultServer(ok("x", { "cache-control": "max-age=60", vary: "x-tenant" }));
  let tenant = 0;
  await using session = open({ hooks: { beforeRequest: ({ headers }) => headers.set("x-tenant", `${++tenant}`) } });
  await ask(session, server.url);
  await ask(session, server.url);
  expect(server.requests.length).toBe(2);
});

test("what is kept for one user is not given to another", async () => {
  await using server = await openFaultServer(({ number, headers }) =>
    ok(`${number} ${headers["authorization"] as string} ${headers["cookie"] as string}`, {
      "cache-control": "private, max-age=60",
    }),
  );
  await using session = open({ cookies: false });
  const users: HttpRequestOptions[] = [
    {},
    { headers: { authorization: "Bearer a" } },
    { headers: { authorization: "Bearer b" } },
    { auth: { bearer: "c" } },
    { auth: () => "Bearer d" },
    { headers: { cookie: "id=1" } },
    { headers: { cookie: "id=2" } },
  ];
  const texts = new Set<string>();
  for (const user of users) texts.add((await ask(session, server.url, user))[0]);
  expect([texts.size, server.requests.length]).toEqual([7, 7]);
  for (const index of users.keys()) expect((await ask(session, server.url, users[index]))[1]).toBe("fresh");
});

test("credentials of the session are those of one user", async () => {
  const vary = { "cache-control": "max-age=60", vary: "authorization" };
  await using server = await openFaultServer([ok("mine", vary), ok("theirs", vary)]);
  const cache = new HttpCache();
  await using mine = open({ cache, auth: { bearer: "a" } });
  await using theirs = open({ cache, auth: { bearer: "b" } });
  for (const use of [undefined, "fresh"]) {
    expect(await ask(mine, server.url)).toEqual(["mine", use]);
    expect(await ask(theirs, server.url)).toEqual(["theirs", use]);
  }
});

test("a function that knows for whom a request is, is asked each time", async () => {
  await using server = await openFaultServer(({ headers }) => fresh(headers["authorization"] as string));
  const user = new ContextVar<string>("user");
  await using session = open({ auth: async () => `Bearer ${user.get()}` });
  const askAs = (name: string) => user.run(name, () => ask(session, server.url));
  for (const use of [undefined, "fresh"]) {
    expect(await askAs("anna")).toEqual(["Bearer anna", use]);
    expect(await askAs("otto")).toEqual(["Bearer otto", use]);
  }
});

test("what was answered to a fresh token only is kept for those who have it from the start", async () => {
  await using server = await openFaultServer(({ headers }) =>
    headers["authorization"] === "Bearer new" ? fresh("in") : faults.status(401),
  );
  let token = "old";
  const auth = ({ wasRefused }: { wasRefused: boolean }): string => `Bearer ${(token = wasRefused ? "new" : token)}`;
  await using session = open({ auth });
  expect(await ask(session, server.url)).toEqual(["in", undefined]);
  expect(await ask(session, server.url)).toEqual(["in", undefined]);
  expect(await ask(session, server.url)).toEqual(["in", "fresh"]);
});

test.each(["authorization", "cookie"])("what was answered to the %s of a hook is not kept", async (name) => {
  await using server = await openFaultServer(({ headers }) => fresh(headers[name] as string));
  let user = 0;
  await using session = open({ hooks: { beforeRequest: ({ headers }) => headers.set(name, `id=${++user}`) } });
  expect(await ask(session, server.url)).toEqual(["id=1", undefined]);
  expect(await ask(session, server.url)).toEqual(["id=2", undefined]);
});

test.each(["POST", "PUT", "PATCH", "DELETE"])("what %s has changed is asked for anew", async (method) => {
  await using server = await openFaultServer(({ method: asked, times }) =>
    asked === "GET"
      ? fresh(`${times}`)
      : ok("", { location: "/other", "content-location": "http://elsewhere.test/else#x" }),
  );
  await using session = open({ baseUrl: server.url });
  for (const path of ["/it", "/other", "/third"]) await ask(session, path);
  await session.request(method, "/it");
  for (const path of ["/it", "/other"]) expect(await ask(session, path)).toEqual(["2", undefined]);
  expect(await ask(session, "/third")).toEqual(["1", "fresh"]);
});

test("a change that failed changes nothing", async () => {
  await using server = await openFaultServer(({ method }) => (method === "GET" ? fresh("x") : faults.status(409)));
  await using session = open();
  await ask(session, server.url);
  await session.post(server.url);
  expect(await ask(session, server.url)).toEqual(["x", "fresh"]);
});

test("what was on its way while something changed it is not kept", async () => {
  await using server = await openFaultServer(({ method }) =>
    method === "GET" ? faults.delayed(60, fresh("before")) : faults.ok(),
  );
  await using session = open();
  const before = ask(session, server.url);
  await server.until(({ requests }) => requests === 1);
  await session.post(server.url);
  expect(await before).toEqual(["before", undefined]);
  expect(session.cache?.statistics().entries).toBe(0);
});

// Only whole bodies.

test("a body that is not read to its end is not kept", async () => {
  const long = "x".repeat(400_000);
  await using server = await openFaultServer(fresh(long));
  await using session = open();
  for await (const chunk of (await session.get(server.url)).body) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  {
    using response = await session.get(server.url);
    expect(response.fromCache).toBeUndefined();
  }
  await (await session.get(server.url)).discard();
  expect(session.cache?.statistics().entries).toBe(0);
  expect(await ask(session, server.url)).toEqual([long, undefined]);
  expect(await ask(session, server.url)).toEqual([long, "fresh"]);
});

test("cancelled within the body, nothing is kept, and nothing is left", async () => {
  await using server = await rawServer();
  await using session = open();
  await cancelScope((scope: Scope) =>
    taskGroup(async (group) => {
      group.spawn(async () => (await session.get(server.origin)).text());
      const peer = await server.accept();
      await peer.head();
      peer.send("HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 10\r\n\r\nhalf");
      await sleep(20);
      scope.cancel();
    }),
  );
  expect(session.cache?.statistics().entries).toBe(0);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a body that breaks off is not kept", async () => {
  await using server = await openFaultServer([faults.cutIn("body", fresh("x".repeat(1_000))), fresh("whole")]);
  await using session = open({ retry: false });
  await expect(ask(session, server.url)).rejects.toMatchObject({ code: "HTTP_CONNECTION" });
  expect(await ask(session, server.url)).toEqual(["whole", undefined]);
});

test("cancelled at any moment, the cache is whole, and nothing is left", async () => {
  await using server = await openFaultServer(({ headers }) =>
    headers["if-none-match"] === undefined ? ok("hello", { etag: '"1"' }) : faults.status(304),
  );
  await using session = open();
  for (let turns = 0; turns < 40; turns++) {
    await cancelScope((scope) =>
      taskGroup(async (group) => {
        group.spawn(() => ask(session, server.url));
        for (let i = 0; i < turns; i++) await checkpoint();
        scope.cancel();
      }),
    );
    expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
  }
  expect((await ask(session, server.url))[0]).toBe("hello");
});

test("in a cancelled scope, and after the session has been disposed, there is nothing to be had", async () => {
  await using server = await openFaultServer(fresh("x"));
  const session = open();
  await ask(session, server.url);
  await cancelScope(async (scope) => {
    scope.cancel();
    await expect(session.get(server.url)).rejects.toMatchObject({ name: "AbortError" });
  });
  await session[Symbol.asyncDispose]();
  await expect(session.get(server.url)).rejects.toMatchObject({ code: "HTTP_SESSION_CLOSED" });
});

// Its limits.

test("a cache holds so many bytes, and what was used longest ago makes way", async () => {
  await using server = await openFaultServer(fresh("x".repeat(10_000)));
  await using session = open({ cache: { maxBytes: 50_000, maxBodyBytes: 20_000 }, baseUrl: server.url });
  for (let i = 0; i < 4; i++) await ask(session, `/${i}`);
  expect((await ask(session, "/0"))[1]).toBe("fresh");
  await ask(session, "/4");
  expect(session.cache?.statistics().bytes).toBeLessThanOrEqual(50_000);
  expect((await ask(session, "/0"))[1]).toBe("fresh");
  expect((await ask(session, "/1"))[1]).toBeUndefined();
});

test("a body that is longer than allowed is not kept, whether its length is known before or not", async () => {
  const chunked: Fault = {
    name: "chunked",
    play: async (wire) =>
      wire.raw(
        `HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n64\r\n${"x".repeat(100)}\r\n0\r\n\r\n`,
      ),
  };
  await using server = await openFaultServer({ "/known": fresh("x".repeat(100)), "/chunked": chunked });
  await using session = open({ cache: { maxBodyBytes: 99 }, baseUrl: server.url });
  for (const path of ["/known", "/chunked"]) {
    await ask(session, path);
    expect(await ask(session, path)).toEqual(["x".repeat(100), undefined]);
  }
});

test("what a server says to depend on ever new headers does not pile up", async () => {
  await using server = await openFaultServer(ok("x", { "cache-control": "max-age=60", vary: "x-n" }));
  await using session = open();
  for (let i = 0; i < 120; i++) await ask(session, server.url, { headers: { "x-n": i } });
  expect(session.cache?.statistics().entries).toBe(100);
});

test("maxBodyBytes of a request holds for what comes out of the cache", async () => {
  await using server = await openFaultServer(fresh("x".repeat(100)));
  await using session = open();
  await ask(session, server.url);
  await expect(session.get(server.url, { maxBodyBytes: 99 })).rejects.toMatchObject({ code: "HTTP_BODY_TOO_LARGE" });
});

test("clear and delete forget", async () => {
  await using server = await openFaultServer(fresh("x"));
  const cache = new HttpCache();
  await using session = open({ cache, baseUrl: server.url });
  for (const path of ["/a?q=1", "/b", "/c"]) await ask(session, path);
  cache.delete(`${server.url}/a?q=1#fragment`);
  expect((await ask(session, "/a?q=1"))[1]).toBeUndefined();
  expect((await ask(session, "/b"))[1]).toBe("fresh");
  cache.clear();
  expect(cache.statistics()).toMatchObject({ entries: 0, bytes: 0 });
  expect((await ask(session, "/b"))[1]).toBeUndefined();
});

// Stale.

test("stale-while-revalidate: what there is is given at once, and asked for anew meanwhile, once", async () => {
  const cacheControl = "max-age=0, stale-while-revalidate=60";
  await using server = await openFaultServer([
    ok("old", { etag: '"1"', "cache-control": cacheControl }),
    faults.delayed(20, ok("new", { etag: '"2"', "cache-control": "max-age=60" })),
    faults.reset(),
  ]);
  await using session = open();
  await ask(session, server.url);
  for (let i = 0; i < 3; i++) expect(await ask(session, server.url)).toEqual(["old", "stale"]);
  await server.until(({ requests, inFlight }) => requests === 2 && inFlight === 0);
  while ((await ask(session, server.url))[0] === "old") await sleep(1);
  expect(await ask(session, server.url)).toEqual(["new", "fresh"]);
  expect(header(server, "if-none-match")).toEqual([undefined, '"1"']);
  expect(session.cache?.statistics()).toMatchObject({ validated: 0, misses: 1 });
  expect(session.statistics().active).toBe(0);
});

test("a run does not wait for what nobody waits for", async () => {
  const stale = { etag: '"1"', "cache-control": "max-age=0, stale-while-revalidate=60" };
  await using server = await openFaultServer([ok("old", stale), faults.hang()]);
  await using session = open();
  await ask(session, server.url);
  const got = await run(() => ask(session, server.url), { signals: false });
  expect(got).toEqual(["old", "stale"]);
  expect(session.statistics().active).toBe(0);
});

test("what fails while nobody waits for it is nobody's, and is asked for the next time", async () => {
  const stale = { etag: '"1"', "cache-control": "max-age=0, stale-while-revalidate=60" };
  await using server = await openFaultServer([ok("old", stale), faults.reset()]);
  await using session = open({ retry: false });
  await ask(session, server.url);
  for (let asked = 2; asked < 5; asked++) {
    expect(await ask(session, server.url)).toEqual(["old", "stale"]);
    await server.until(({ requests, inFlight }) => requests === asked && inFlight === 0);
    while (session.statistics().active > 0) await checkpoint();
    await sleep(5);
  }
});

test.each<[string, Fault, string]>([
  ["of 503", faults.status(503), "stale-if-error=60"],
  ["of a broken connection", faults.reset(), "stale-if-error=60"],
])("stale-if-error: what there is is given in place %s", async (_name, failure, directive) => {
  await using server = await openFaultServer([
    ok("old", { etag: '"1"', "cache-control": `max-age=0, ${directive}` }),
    failure,
  ]);
  await using session = open();
  await ask(session, server.url);
  expect(await ask(session, server.url)).toEqual(["old", "stale"]);
});

test.each(["max-age=0", "max-age=0, stale-if-error=60, must-revalidate"])(
  "with %s, an error is an error",
  async (cacheControl) => {
    await using server = await openFaultServer([
      ok("old", { etag: '"1"', "cache-control": cacheControl }),
      faults.status(503, "down"),
    ]);
    await using session = open();
    await ask(session, server.url);
    expect(await ask(session, server.url)).toEqual(["down", undefined]);
  },
);

// What the caller says.

test("HEAD is answered from what GET has brought, without a body", async () => {
  await using server = await openFaultServer([fresh("hello"), faults.reset()]);
  await using session = open();
  await ask(session, server.url);
  const response = await session.head(server.url);
  expect([response.fromCache, response.headers.get("content-length"), await response.text()]).toEqual([
    "fresh",
    "5",
    "",
  ]);
  await expect(session.head(`${server.url}/other`)).rejects.toMatchObject({ code: "HTTP_CONNECTION" });
});

test("a request that asks for a part, or has conditions of its own, goes past the cache", async () => {
  await using server = await openFaultServer([fresh("whole"), faults.status(206, "part"), faults.status(304)]);
  await using session = open();
  await ask(session, server.url);
  expect(await ask(session, server.url, { headers: { range: "bytes=0-3" } })).toEqual(["part", undefined]);
  expect((await session.get(server.url, { headers: { "if-none-match": '"1"' } })).status).toBe(304);
  expect(await ask(session, server.url)).toEqual(["whole", "fresh"]);
});

test("cache-control of a request is obeyed", async () => {
  await using server = await openFaultServer(({ times }) => fresh(`${times}`));
  await using session = open();
  const saying = (text: string) => ask(session, server.url, { headers: { "cache-control": text } });
  expect(await saying("no-store")).toEqual(["1", undefined]);
  expect(await saying("max-age=60")).toEqual(["2", undefined]);
  expect(await saying("max-age=60")).toEqual(["2", "fresh"]);
  expect(await saying("no-cache")).toEqual(["3", undefined]);
  expect(await saying("max-age=60")).toEqual(["3", "fresh"]);
  expect(await saying("No-Cache")).toEqual(["4", undefined]);
});

test("a server that is not to be asked is not, whatever there is", async () => {
  await using server = await openFaultServer(({ times }) =>
    ok(`${times}`, { "cache-control": "max-age=60", vary: "accept" }),
  );
  await using session = open();
  const headers = { "cache-control": "only-if-cached" };
  const none = await session.get(server.url, { headers });
  expect([none.status, await none.text(), none.fromCache]).toEqual([504, "", undefined]);
  await ask(session, server.url);
  expect(await ask(session, server.url, { headers })).toEqual(["1", "fresh"]);
  expect((await session.head(server.url, { headers: { ...headers, accept: "text/html" } })).status).toBe(504);
  expect((await session.get(server.url, { headers: { "cache-control": "only-if-cached, no-cache" } })).status).toBe(
    504,
  );
  expect(server.requests.length).toBe(1);
  expect(session.cache?.statistics()).toMatchObject({ hits: 1, misses: 4 });
});

test("a request may do without the cache, or use another", async () => {
  await using server = await openFaultServer(({ times }) => fresh(`${times}`));
  await using session = open();
  const cache = new HttpCache();
  expect(await ask(session, server.url)).toEqual(["1", undefined]);
  expect(await ask(session, server.url, { cache: false })).toEqual(["2", undefined]);
  expect(await ask(session, server.url, { cache })).toEqual(["3", undefined]);
  expect(await ask(session, server.url)).toEqual(["1", "fresh"]);
  await using other = open({ cache });
  expect(await ask(other, server.url)).toEqual(["3", "fresh"]);
  await using without = openSession();
  expect([without.cache, other.cache]).toEqual([undefined, cache]);
});

// Together with the rest.

test("redirects are kept as their servers say", async () => {
  const moved: Fault = {
    name: "moved",
    play: async (wire) =>
      wire.raw("HTTP/1.1 301 Moved\r\nlocation: /new\r\ncache-control: max-age=60\r\ncontent-length: 0\r\n\r\n"),
  };
  await using server = await openFaultServer({ "/old": [moved, faults.reset()], "/new": faults.ok("here") });
  await using session = open({ baseUrl: server.url });
  for (let i = 0; i < 3; i++) {
    const response = await session.get("/old");
    expect([await response.text(), response.redirects.length, response.fromCache]).toEqual(["here", 1, undefined]);
  }
  expect(server.requests.map(({ target }) => target)).toEqual(["/old", "/new", "/new", "/new"]);
});

test("of several attempts the last is kept", async () => {
  const busy: Fault = {
    name: "busy",
    play: async (wire) => wire.raw("HTTP/1.1 501 No\r\ncache-control: max-age=60\r\ncontent-length: 2\r\n\r\nno"),
  };
  await using server = await openFaultServer([busy, fresh("yes"), faults.reset()]);
  await using session = open();
  expect(await ask(session, server.url)).toEqual(["yes", undefined]);
  expect(await ask(session, server.url)).toEqual(["yes", "fresh"]);
});

test("what comes out of the cache needs no slot", async () => {
  await using server = await openFaultServer({ "/fresh": fresh("x"), "/hang": faults.hang() });
  await using session = open({ baseUrl: server.url, limit: 1 });
  await ask(session, "/fresh");
  await cancelScope((scope) =>
    taskGroup(async (group) => {
      group.spawn(() => session.get("/hang"));
      await server.until(({ inFlight }) => inFlight === 1);
      expect(await ask(session, "/fresh")).toEqual(["x", "fresh"]);
      scope.cancel();
    }),
  );
});

test("compressed responses are kept as they are read, and apart for those who want them as they come", async () => {
  const zipped = gzipSync("hello");
  const headers = { "cache-control": "max-age=60", "content-encoding": "gzip" };
  await using server = await openFaultServer(ok(zipped as unknown as string, headers));
  await using session = open();
  for (const use of [undefined, "fresh"]) {
    expect(await ask(session, server.url)).toEqual(["hello", use]);
    const response = await session.get(server.url, { decompress: false });
    expect([Buffer.from(await response.bytes()), response.fromCache]).toEqual([zipped, use]);
  }
  expect(server.requests.length).toBe(2);
});

test("whole responses, cookies and HTTP/2", async () => {
  await using server = await openFaultServer([fresh("hello"), faults.reset()], { tls: "valid", http2: true });
  await using session = open({ cookies: true, http2: "auto", tls: { ca: server.authority } });
  const order = session.orders.make("GET", server.url, undefined);
  for (const fromCache of [undefined, "fresh"]) {
    const whole = await fetchWhole(session, order, true);
    expect([Buffer.concat(whole.chunks).toString(), whole.bodyBytes, whole.fromCache]).toEqual(["hello", 5, fromCache]);
  }
  expect(await fetchWhole(session, order, false)).toMatchObject({ chunks: [], bodyBytes: 5, totalMs: 0 });
});

test("whatever servers say: nothing is thrown, and nothing is given as fresh that was said not to be", async () => {
  let headers: Record<string, string | string[]> = {};
  let count = 0;
  await using server = await openFaultServer(({ headers: asked }) => {
    count++;
    return asked["if-none-match"] === undefined ? ok(`${count}`, headers) : faults.status(304, "", { headers });
  });
  const directive = fc.constantFrom(
    ...`max-age=60|max-age=0|max-age=-1|max-age="60"|max-age|no-store|no-cache|private|public|must-revalidate|immutable`.split(
      "|",
    ),
    ...`stale-while-revalidate=9|stale-if-error=9|s-maxage=9|x=,|=|`.split("|"),
  );
  const text = fc.string({ unit: fc.constantFrom(...'ab1,=;"*/ -:W') });
  const drawn = fc.record(
    {
      "cache-control": fc.oneof(
        fc.array(directive, { maxLength: 4 }).map((all) => all.join(", ")),
        fc.array(directive, { minLength: 2, maxLength: 3 }),
        text,
      ),
      etag: fc.oneof(fc.constantFrom('"1"', 'W/"1"', '""'), text),
      "last-modified": fc.oneof(fc.constant("Wed, 21 Oct 2015 07:28:00 GMT"), text),
      expires: fc.oneof(fc.constantFrom("0", "Thu, 01 Jan 2099 00:00:00 GMT"), text),
      date: text,
      age: fc.oneof(fc.constantFrom("0", "100", "-1", "1e9"), text),
      vary: fc.oneof(fc.constantFrom("*", "accept", "accept, *", ",", "__proto__"), text),
      pragma: fc.constantFrom("no-cache", "x"),
    },
    { requiredKeys: [] },
  );
  await using session = open({ retry: false });
  await fc.assert(
    fc.asyncProperty(drawn, async (given) => {
      headers = given;
      session.cache!.clear();
      await ask(session, server.url);
      const [, use] = await ask(session, server.url);
      const control = [given["cache-control"] ?? ""].flat().join(",");
      const isNever = /no-store/.test(control) || given.vary?.split(",").some((name) => name.trim() === "*") === true;
      const isAskedFor =
        /no-cache/.test(control) ||
        !/max-age="?[1-9]/.test(control + (given.expires?.includes("2099") === true ? "max-age=1" : ""));
      expect([isNever && use !== undefined, isAskedFor && use === "fresh"]).toEqual([false, false]);
    }),
    { numRuns: 300 },
  );
  expect(session.statistics().active).toBe(0);
});

test.each<[unknown, string]>([
  [1, "Expected `cache` to be an HttpCache, an object or a boolean, got `1` (number)"],
  [{ maxBytes: -1 }, "Expected `cache.maxBytes` to be a number of bytes, 0 or more, or Infinity, got `-1` (number)"],
  [{ maxBodyBytes: "1" }, 'Expected `cache.maxBodyBytes` to be a number of bytes, 0 or more, or Infinity, got "1"'],
])("refuses cache: %o", (cache, message) => {
  expect(() => openSession({ cache } as SessionOptions)).toThrow(message);
});

test("refuses to delete what is no URL", () => {
  expect(() => new HttpCache().delete("nowhere")).toThrow('Expected `url` to be a URL, got "nowhere" (string)');
});
