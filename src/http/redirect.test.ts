import { stat } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { thrownBy } from "../../test/core/helpers.ts";
import { rawServer } from "../../test/http-server.ts";
import { cancelScope, checkpoint, run, taskGroup } from "../core/index.ts";
import { type FaultServer, faults, openFaultServer } from "../testing/index.ts";
import { HttpCache, RedirectError, type SessionOptions, fetchWhole, file, multipart, openSession } from "./index.ts";

const asked = (server: FaultServer): string[] => server.requests.map(({ method, target }) => `${method} ${target}`);

const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

const secrets = {
  authorization: "Bearer secret",
  cookie: "a=secret",
  "x-api-key": "secret",
  "proxy-authorization": "x",
};

test("answers that lead elsewhere are followed, wherever and however they say it", async () => {
  await using server = await openFaultServer(({ target }) => {
    const to: Record<string, string> = {
      "/a/b?c=1": "d?e=2#fragment",
      "/a/d?e=2": "../up",
      "/up": "?only=query",
      "/up?only=query": `//${new URL(server.url).host}/host`,
      "/host": `${server.url}/whole`,
      "/whole": "",
      "/space": " /done ",
    };
    const location = to[target];
    if (location === "") return faults.redirect("/space", { status: 308 });
    return location === undefined ? faults.ok("found") : faults.redirect(location, { status: 301 });
  });
  await using session = openSession();
  const response = await session.get(`${server.url}/a/b?c=1#begin`);
  expect([response.status, await response.text(), response.url]).toEqual([200, "found", `${server.url}/done`]);
  const way = ["/a/b?c=1", "/a/d?e=2", "/up", "/up?only=query", "/host", "/whole", "/space"];
  expect(response.redirects).toEqual(
    way.map((path) => ({ status: path === "/whole" ? 308 : 301, url: server.url + path })),
  );
  expect(session.statistics().active).toBe(0);
});

test("a response that was not redirected has no redirects", async () => {
  await using server = await openFaultServer();
  await using session = openSession();
  expect((await session.get(server.url)).redirects).toEqual([]);
});

test.each<[number, string, string]>([
  [301, "GET", "GET"],
  [301, "POST", "GET"],
  [301, "PUT", "PUT body"],
  [302, "POST", "GET"],
  [302, "HEAD", "HEAD"],
  [302, "DELETE", "DELETE body"],
  [303, "POST", "GET"],
  [303, "PUT", "GET"],
  [303, "HEAD", "HEAD"],
  [307, "POST", "POST body"],
  [307, "HEAD", "HEAD"],
  [308, "POST", "POST body"],
  [308, "PATCH", "PATCH body"],
])("%i of %s is followed with %s", async (status, method, expected) => {
  await using server = await openFaultServer({ "/": faults.redirect("/next", { status }), "/next": faults.ok() });
  await using session = openSession();
  const hasBody = method !== "GET" && method !== "HEAD";
  await session.request(method, server.url, hasBody ? { body: "body" } : {});
  const next = server.requests[1]!;
  expect(`${next.method} ${next.body.toString()}`.trim()).toBe(expected);
  expect(next.headers["content-type"] !== undefined).toBe(expected.endsWith("body"));
  expect(next.headers["content-length"]).toBe(expected.endsWith("body") ? "4" : undefined);
});

test("a body in pieces goes along from its beginning, if it can be sent again", async () => {
  await using server = await openFaultServer({
    "/": faults.redirect("/next", { status: 307 }),
    "/early": faults.early(faults.redirect("/next", { status: 307 })),
    "/next": faults.ok(),
  });
  await using session = openSession({ baseUrl: server.url });
  const bytes = Buffer.alloc(200_000, "x");
  await session.put("/", { body: bytes });
  await session.put("/early", { body: bytes });
  const seen = server.requests.filter(({ target }) => target === "/next");
  expect(seen.map(({ bodyBytes }) => bodyBytes)).toEqual([200_000, 200_000]);
});

test("a body that can be sent only once is not asked for again: that is an error, and its source is closed", async () => {
  await using server = await openFaultServer({ "/": faults.redirect("/next", { status: 308 }) });
  await using session = openSession();
  let isClosed = false;
  async function* body() {
    try {
      yield "once";
    } finally {
      isClosed = true;
    }
  }
  const error = await thrownBy(session.post(server.url, { body: body() }));
  expect(error).toBeInstanceOf(RedirectError);
  expect(error).toMatchObject({ code: "HTTP_REDIRECT", problem: "body", status: 308, method: "POST" });
  expect([isClosed, server.requests.length, session.statistics().active]).toEqual([true, 1, 0]);
});

test("where it becomes a GET, a body that can be sent only once does not matter", async () => {
  await using server = await openFaultServer({ "/": faults.redirect("/next", { status: 303 }), "/next": faults.ok() });
  await using session = openSession();
  expect((await session.post(server.url, { body: ["once"].values() })).status).toBe(200);
});

// Secrets.

test("to the same origin all headers go along, to another only those that say what is wanted", async () => {
  await using other = await openFaultServer();
  await using server = await openFaultServer({
    "/": faults.redirect("/same"),
    "/same": faults.redirect(`${other.url}/other`),
  });
  const kept = {
    accept: "text/plain",
    "accept-language": "de",
    "if-none-match": '"1"',
    range: "bytes=0-",
    prefer: "x",
  };
  await using session = openSession({ headers: { "user-agent": "me", host: "virtual.test", "x-session": "secret" } });
  await session.get(server.url, { headers: { ...secrets, ...kept } });
  expect(server.requests[1]!.headers).toMatchObject({
    ...secrets,
    ...kept,
    host: "virtual.test",
    "x-session": "secret",
  });
  const { connection: _connection, ...headers } = other.requests[0]!.headers;
  const own = { "user-agent": "me", host: new URL(other.url).host, "accept-encoding": "identity" };
  expect(headers).toEqual({ ...kept, ...own });
});

test("user and password of the URL go to its origin only, and those of a Location to the one it names", async () => {
  await using other = await openFaultServer();
  await using server = await openFaultServer({
    "/": faults.redirect("/same"),
    "/same": faults.redirect(`${other.url}/none`),
    "/given": faults.redirect(other.url.replace("//", "//them:theirs@")),
  });
  await using session = openSession();
  await session.get(server.url.replace("//", "//me:mine@"));
  const response = await session.get(`${server.url.replace("//", "//me:mine@")}/given`);
  expect(server.requests.map(({ headers }) => headers["authorization"])).toEqual(Array(3).fill(basic("me:mine")));
  expect(other.requests.map(({ headers }) => headers["authorization"])).toEqual([undefined, basic("them:theirs")]);
  expect(response.url).toBe(`${other.url}/`);
  expect(response.redirects).toEqual([{ status: 302, url: `${server.url}/given` }]);
});

test("credentials of the session stay at the origin of the request, and hooks see each request", async () => {
  await using other = await openFaultServer();
  await using server = await openFaultServer({ "/": faults.redirect("/same"), "/same": faults.redirect(other.url) });
  const seen: string[] = [];
  await using session = openSession({
    auth: { bearer: "secret" },
    hooks: {
      beforeRequest: ({ url, attempt, headers }) => void seen.push(`${attempt} ${url} ${headers.has("authorization")}`),
    },
  });
  await session.get(server.url);
  expect(seen).toEqual([`1 ${server.url}/ true`, `2 ${server.url}/same true`, `3 ${other.url}/ false`]);
});

test("credentials do not come back from another origin, which chooses what would be asked for with them", async () => {
  await using server = await openFaultServer(({ path }) =>
    path === "/" ? faults.redirect(other.url) : faults.ok("what the other wants"),
  );
  await using other = await openFaultServer(() => faults.redirect(`${server.url}/admin`));
  await using session = openSession({ auth: { bearer: "secret" } });
  await session.get(server.url);
  expect(server.requests.map(({ headers }) => headers["authorization"])).toEqual(["Bearer secret", undefined]);
});

test("whatever the way, secrets never come to another origin, nor back from there", async () => {
  let way: { readonly isOther: boolean; readonly status: number }[] = [];
  const script = ({ target }: { target: string }) => {
    const at = Number(target.slice(1));
    const next = way[at];
    return next === undefined
      ? faults.ok()
      : faults.redirect(`${(next.isOther ? other : server).url}/${at + 1}`, { status: next.status });
  };
  await using server: FaultServer = await openFaultServer(script);
  await using other: FaultServer = await openFaultServer(script);
  await using session = openSession({ retry: false });
  const hop = fc.record({ isOther: fc.boolean(), status: fc.constantFrom(301, 302, 303, 307, 308) });
  const method = fc.constantFrom("GET", "POST", "PUT");
  const ways = fc.array(hop, { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(ways, method, async (hops, how) => {
      way = hops;
      const before = [server.requests.length, other.requests.length];
      await session.request(how, `${server.url}/0`, { headers: secrets });
      const hasLeft = (target: string): boolean => way.slice(0, Number(target.slice(1))).some(({ isOther }) => isOther);
      const home = server.requests.slice(before[0]);
      const away = other.requests.slice(before[1]);
      expect(home.length + away.length).toBe(hops.length + 1);
      for (const { target, headers } of home) {
        expect(headers["x-api-key"]).toBe(hasLeft(target) ? undefined : "secret");
      }
      expect(JSON.stringify(away.map(({ headers }) => headers))).not.toMatch(/secret|proxy-authorization/);
    }),
    { numRuns: 40 },
  );
});

// What is not followed.

test.each<[string, SessionOptions["redirect"]]>([
  ["of a session", false],
  ["of a request", true],
])("redirect: false %s: they are answers like any other", async (_name, redirect) => {
  await using server = await openFaultServer(faults.redirect("/next"));
  await using session = openSession({ redirect: redirect! });
  const response = await session.get(server.url, redirect === false ? {} : { redirect: false });
  expect([response.status, response.headers.get("location")]).toEqual([302, "/next"]);
  expect(server.requests.length).toBe(1);
});

test.each([300, 301, 302, 304, 305, 307])("%i without a Location is an answer", async (status) => {
  await using server = await openFaultServer(faults.status(status));
  await using session = openSession();
  expect((await session.get(server.url)).status).toBe(status);
});

test("a loop is told, with the way it went, and without what may be secret", async () => {
  await using server = await openFaultServer(({ path }) =>
    faults.redirect(path === "/a" ? "/b?token=2" : "/a?token=1"),
  );
  await using session = openSession();
  const error = await thrownBy(session.get(`${server.url}/a?token=1`));
  const { url } = server;
  expect(error).toMatchObject({
    code: "HTTP_REDIRECT",
    problem: "loop",
    status: 302,
    url: `${url}/a`,
    urls: [`${url}/a`, `${url}/b`, `${url}/a`, `${url}/b`],
    message: `GET ${url}/a: the redirects go round in circles, by way of ${url}/a -> ${url}/b -> ${url}/a -> ${url}/b`,
  });
  expect(JSON.stringify(error)).not.toContain("token");
});

test("a page that leads to itself once is asked again", async () => {
  await using server = await openFaultServer([faults.redirect("/"), faults.ok("now")]);
  await using session = openSession();
  expect(await (await session.get(server.url)).text()).toBe("now");
});

test("there are at most so many", async () => {
  await using server = await openFaultServer(faults.redirectChain(30, faults.ok("far")));
  await using session = openSession();
  const error = await thrownBy(session.get(server.url));
  expect(error).toMatchObject({ problem: "too-many" });
  expect((error as Error).message).toMatch(
    /: more than 20 redirects \(redirect\.max\), by way of \S+ -> \S+ -> \S+ -> 15 more -> \S+ -> \S+ -> \S+$/,
  );
  expect(server.requests.length).toBe(21);
  expect(await (await session.get(server.url, { redirect: { max: 30 } })).text()).toBe("far");
  await expect(session.get(server.url, { redirect: { max: 0 } })).rejects.toMatchObject({ problem: "too-many" });
});

test.each([
  "ftp://127.0.0.1/",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "data:,x",
  "http://",
  "http://a b/",
  "//[::",
])("a Location %j is an error", async (location) => {
  await using server = await openFaultServer(faults.redirect(location));
  await using session = openSession();
  const error = await thrownBy(session.get(server.url));
  expect(error).toMatchObject({ code: "HTTP_REDIRECT", problem: "bad-location", status: 302 });
  expect(session.statistics().active).toBe(0);
});

test("a bad Location is shown without what may be secret", async () => {
  await using server = await openFaultServer(faults.redirect("ftp://me:secret@127.0.0.1/x?key=secret"));
  await using session = openSession();
  const error = await thrownBy(session.get(server.url));
  expect((error as Error).message).toContain('to "ftp://***@127.0.0.1/x", by way of');
});

test("a Location in UTF-8 is understood, and several of them are not", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const first = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.send(Buffer.from("HTTP/1.1 302 Found\r\nlocation: /ü?q=€\r\ncontent-length: 0\r\n\r\n"));
  expect(await peer.head()).toContain("GET /%C3%BC?q=%E2%82%AC ");
  peer.send(Buffer.from("HTTP/1.1 302 Found\r\nlocation: /\xfc\r\ncontent-length: 0\r\n\r\n", "latin1"));
  expect(await peer.head()).toContain("GET /%C3%BC ");
  peer.respond("", "HTTP/1.1 302 Found\r\nlocation: /a\r\nlocation: /b");
  expect(await thrownBy(first)).toMatchObject({ problem: "bad-location" });
});

test("there is no way from https to http, unless it is allowed", async () => {
  await using plain = await openFaultServer(faults.ok("plain"));
  await using server = await openFaultServer(faults.redirect(plain.url), { tls: "valid" });
  await using session = openSession({ tls: { ca: server.authority } });
  const error = await thrownBy(session.get(server.url));
  expect(error).toMatchObject({ code: "HTTP_REDIRECT", problem: "downgrade" });
  expect(plain.requests.length).toBe(0);
  const response = await session.get(server.url, { redirect: { allowDowngrade: true } });
  expect(await response.text()).toBe("plain");
});

test("from http to https there is", async () => {
  await using server = await openFaultServer(faults.ok("safe"), { tls: "valid" });
  await using plain = await openFaultServer(faults.redirect(server.url));
  await using session = openSession({ tls: { ca: server.authority } });
  expect(await (await session.get(plain.url)).text()).toBe("safe");
});

test("what a session may connect to holds for each hop", async () => {
  await using inside = await openFaultServer();
  await using server = await openFaultServer({
    "/": { name: "moved", play: (wire) => wire.raw(moved) },
  });
  const moved = `HTTP/1.1 301 Moved\r\nlocation: ${inside.url}\r\ncache-control: max-age=60\r\ncontent-length: 0\r\n\r\n`;
  const cache = new HttpCache();
  // Nobody can be public here. So the first hop comes out of a cache, filled by a session that may go anywhere.
  const url = server.url.replace("127.0.0.1", "public.test");
  await using trusting = openSession({ cache, redirect: false, dns: { lookup: () => ["127.0.0.1"] } });
  await (await trusting.get(url)).discard();
  await using guarded = openSession({ cache, allowPrivateHosts: false, dns: { lookup: () => ["127.0.0.1"] } });
  await expect(guarded.get(url)).rejects.toMatchObject({ code: "HTTP_PRIVATE_HOST", host: "127.0.0.1" });
  expect([inside.requests.length, guarded.statistics().active]).toEqual([0, 0]);
});

// Together with the rest.

test("each hop has a slot of its own, and leaves nothing behind", async () => {
  await using server = await openFaultServer({
    "/": faults.redirect("/long"),
    "/long": {
      name: "long redirect",
      play: async (wire) =>
        wire.raw(`HTTP/1.1 302 Found\r\nlocation: /end\r\ncontent-length: 1000000\r\n\r\n${"x".repeat(1_000_000)}`),
    },
    "/end": faults.ok("end"),
  });
  await using session = openSession({ limit: 1 });
  const texts = await Promise.all(Array.from({ length: 5 }, async () => (await session.get(server.url)).text()));
  expect(texts).toEqual(Array(5).fill("end"));
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
  expect(server.statistics().mostInFlight).toBe(1);
});

test("each hop is retried by itself", async () => {
  await using server = await openFaultServer({
    "/": [faults.status(503), faults.redirect("/next")],
    "/next": [faults.reset(), faults.status(502), faults.ok("done")],
  });
  await using session = openSession({ retry: { backoff: () => 1 } });
  expect(await (await session.get(server.url)).text()).toBe("done");
  expect(server.requests.length).toBe(5);
});

test("the time of a request starts again with each hop", async () => {
  await using server = await openFaultServer(faults.delayed(60, faults.redirectChain(6, faults.ok("done"))));
  await using session = openSession({ timeout: { totalMs: 350 }, retry: false });
  expect(await (await session.get(server.url)).text()).toBe("done");
});

test("whole responses are redirected too, and say so", async () => {
  await using server = await openFaultServer({ "/": faults.redirect("/next"), "/next": faults.ok("done") });
  await using session = openSession();
  const order = session.orders.make("GET", server.url, undefined);
  const whole = await fetchWhole(session, order, true);
  expect(whole).toMatchObject({ url: `${server.url}/next`, redirects: [{ status: 302, url: `${server.url}/` }] });
  expect(Buffer.concat(whole.chunks).toString()).toBe("done");
});

test("works over HTTP/2", async () => {
  await using server = await openFaultServer(faults.redirectChain(3, faults.ok("done")), { tls: "valid", http2: true });
  await using session = openSession({ http2: "auto", tls: { ca: server.authority } });
  const response = await session.get(server.url);
  expect([await response.text(), response.redirects.length]).toEqual(["done", 3]);
  expect(server.connections.length).toBe(1);
});

test.each([1, 2, 3, 4])("cancelled in hop %i, nothing more is asked for, and nothing is left", async (last) => {
  await using server = await openFaultServer(({ number }) =>
    number === last ? faults.hang() : faults.redirect(`/${number}`),
  );
  await using session = openSession();
  await cancelScope((scope) =>
    taskGroup(async (group) => {
      group.spawn(() => session.get(server.url));
      await server.until(({ requests }) => requests === last);
      scope.cancel();
    }),
  );
  await server.until(({ openConnections }) => openConnections === 0);
  expect([asked(server).length, session.statistics()]).toEqual([last, { active: 0, waiting: 0, connections: 0 }]);
});

test("cancelled at any moment, it ends, and nothing is left", async () => {
  await using server = await openFaultServer(faults.redirectChain(4, faults.ok("done")));
  await using session = openSession();
  let finished = 0;
  for (let turns = 0; turns < 60; turns++) {
    await cancelScope((scope) =>
      taskGroup(async (group) => {
        group.spawn(async () => {
          await (await session.get(server.url)).discard();
          finished++;
        });
        for (let i = 0; i < turns; i++) await checkpoint();
        scope.cancel();
      }),
    );
    expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
  }
  expect(finished).toBeGreaterThan(0);
  expect(finished).toBeLessThan(60);
});

test("in a cancelled scope nothing is asked for, and outside of any run it works", async () => {
  await using server = await openFaultServer(faults.redirectChain(1, faults.ok("done")));
  await using session = openSession();
  await cancelScope(async (scope) => {
    scope.cancel();
    await session.get(server.url);
  });
  expect(server.requests.length).toBe(0);
  const text = await run(async () => (await session.get(server.url)).text(), { signals: false });
  expect(text).toBe("done");
});

test.each<[unknown, string]>([
  [3, "Expected `redirect` to be an object or a boolean, got `3` (number)"],
  [{ max: -1 }, "Expected `redirect.max` to be an integer of 0 or more, got `-1` (number)"],
  [{ max: 1.5 }, "Expected `redirect.max` to be an integer of 0 or more, got `1.5` (number)"],
  [{ allowDowngrade: "yes" }, 'Expected `redirect.allowDowngrade` to be a boolean, got "yes" (string)'],
])("refuses redirect: %o", (redirect, message) => {
  expect(() => openSession({ redirect } as SessionOptions)).toThrow(message);
});

test("a file or a form goes along where it is asked for again, and is left behind where it is not", async () => {
  await using server = await openFaultServer({
    "/again": faults.redirect("/next", { status: 307 }),
    "/left": faults.redirect("/next", { status: 303 }),
    "/next": faults.ok(),
  });
  await using session = openSession({ baseUrl: server.url });
  const path = import.meta.filename;
  const form = { name: "x", script: file(path) };
  for (const body of [file(path), multipart(form)]) {
    await session.post("/again", { body });
    await session.post("/left", { body });
  }
  const seen = server.requests.filter(({ target }) => target === "/next");
  const bytes = (await stat(path)).size;
  const inAll = seen.map(({ bodyBytes }) => bodyBytes);
  expect([inAll[0], inAll[1], inAll[2]! > bytes, inAll[3]]).toEqual([bytes, 0, true, 0]);
  expect(seen.map(({ method }) => method)).toEqual(["POST", "GET", "POST", "GET"]);
  expect(seen[1]!.headers["content-length"]).toBeUndefined();
});

test("whatever a Location says: it is followed, or it is an error of HTTP, and nothing is left", async () => {
  let location = "";
  await using server = await openFaultServer(({ number }) =>
    number % 2 === 1 ? faults.redirect(location) : faults.ok(),
  );
  await using session = openSession({ retry: false, dns: { lookup: () => [] } });
  const part = fc.constantFrom(
    "http:",
    "https:",
    "//",
    "/",
    "..",
    "?",
    "#",
    "@",
    ":",
    "%",
    "%zz",
    "[",
    "\\",
    " ",
    "a",
    "\t",
    "\xe9",
  );
  const codes: (string | undefined)[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
      location = parts.join("");
      if (server.requests.length % 2 === 1) await session.get(`${server.url}/even`, { redirect: false });
      const outcome = await session.get(server.url).catch((error: unknown) => error);
      const { code } = outcome as { code?: string };
      codes.push(code);
      expect(["HTTP_REDIRECT", "HTTP_CONNECTION", undefined]).toContain(code);
      expect(outcome instanceof TypeError).toBe(false);
    }),
    { numRuns: 300 },
  );
  expect(new Set(codes).size).toBe(3);
  expect(session.statistics().active).toBe(0);
});
