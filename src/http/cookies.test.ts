import fc from "fast-check";
import { expect, test } from "vitest";
import { cancelScope, taskGroup } from "../core/index.ts";
import { type Fault, type FaultServer, faults, openFaultServer } from "../testing/index.ts";
import { CookieJar, type Session, type SessionOptions, fetchWhole, openSession } from "./index.ts";

/** A session for which all names are those of this machine. */
function openHere(options: SessionOptions = {}): Session {
  return openSession({ cookies: true, retry: { backoff: () => 1 }, dns: { lookup: () => ["127.0.0.1"] }, ...options });
}

function at(server: FaultServer, host: string, path = "/"): string {
  return `${server.url.replace("127.0.0.1", host)}${path}`;
}

const setting = (...cookies: string[]): Fault => faults.ok("x", { headers: { "set-cookie": cookies } });
const empty = (status: string, location: string, cookie: string): Fault => ({
  name: status,
  play: async (wire) =>
    wire.raw(`HTTP/1.1 ${status}\r\nlocation: ${location}\r\nset-cookie: ${cookie}\r\ncontent-length: 0\r\n\r\n`),
});
const sent = (server: FaultServer): (string | undefined)[] => server.requests.map(({ headers }) => headers["cookie"]);

test("what a server has set goes along with the next requests to it, and not to others", async () => {
  await using server = await openFaultServer([setting("a=1", "b=2; Path=/in"), faults.ok()]);
  await using session = openHere();
  await session.get(at(server, "one.test"));
  await session.get(at(server, "one.test", "/out"));
  await session.get(at(server, "one.test", "/in/side"));
  await session.get(at(server, "two.test"));
  await session.get(at(server, "www.one.test"));
  expect(sent(server)).toEqual([undefined, "a=1", "b=2; a=1", undefined, undefined]);
});

test("a cookie for a domain goes to its hosts, and none can be set for what belongs to many", async () => {
  await using server = await openFaultServer([
    setting("mine=1; Domain=example.co.uk", "all=1; Domain=co.uk", "other=1; Domain=google.com", "tld=1; Domain=uk"),
    faults.ok(),
  ]);
  await using session = openHere();
  await session.get(at(server, "www.example.co.uk"));
  for (const host of ["example.co.uk", "a.example.co.uk", "another.co.uk", "google.com", "co.uk"]) {
    await session.get(at(server, host));
  }
  expect(sent(server).slice(1)).toEqual(["mine=1", "mine=1", undefined, undefined, undefined]);
});

test("without the option there are none", async () => {
  await using server = await openFaultServer(setting("a=1"));
  await using session = openSession();
  await session.get(server.url);
  await session.get(server.url);
  expect([sent(server), session.cookies]).toEqual([[undefined, undefined], undefined]);
});

test("those of redirects count, and the next hop takes them along", async () => {
  await using server = await openFaultServer(({ path, headers }) => {
    if (path === "/login") return empty("302 Found", "/", "id=1");
    return headers["cookie"] === "id=1" ? faults.ok("welcome") : empty("302 Found", "/login", "seen=1; Max-Age=0");
  });
  await using session = openHere();
  const response = await session.get(server.url);
  expect([await response.text(), response.redirects.length]).toEqual(["welcome", 2]);
  expect(sent(server)).toEqual([undefined, undefined, "id=1"]);
});

test("to go round until a cookie has been set is no loop", async () => {
  await using server = await openFaultServer(({ headers }) => {
    const count = Number(/n=(\d)/.exec(headers["cookie"] ?? "")?.[1] ?? 0);
    return count === 4 ? faults.ok("in") : empty("302 Found", "/", `n=${count + 1}`);
  });
  await using session = openHere();
  expect(await (await session.get(server.url)).text()).toBe("in");
});

test("those of answers that are not the last count too", async () => {
  await using server = await openFaultServer([empty("503 Busy", "/", "queue=7"), faults.ok()]);
  await using session = openHere();
  expect((await session.get(server.url)).status).toBe(200);
  expect(sent(server)).toEqual([undefined, "queue=7"]);
});

test("a Cookie header of the caller's goes first and wins, and does not leave its origin", async () => {
  await using server = await openFaultServer(({ path }) =>
    path === "/away" ? faults.redirect(at(server, "other.test")) : setting("a=server", "b=2"),
  );
  await using session = openHere({ headers: { cookie: "s=session" } });
  await session.get(at(server, "one.test"));
  await session.get(at(server, "other.test"));
  await session.get(at(server, "one.test"), { headers: { cookie: "a=mine; c=3" } });
  await session.get(at(server, "one.test", "/away"));
  expect(sent(server)).toEqual([
    "s=session",
    "s=session",
    "a=mine; c=3; b=2",
    "s=session; a=server; b=2",
    "a=server; b=2",
  ]);
});

test("a Secure cookie does not go over plain http", async () => {
  await using safe = await openFaultServer([setting("s=1; Secure", "p=1"), faults.ok()], { tls: "valid" });
  await using plain = await openFaultServer([setting("s=2; Secure"), faults.ok()]);
  await using session = openHere({ tls: { ca: safe.authority, servername: "localhost" } });
  await session.get(at(safe, "one.test"));
  await session.get(at(safe, "one.test"));
  await session.get(at(plain, "one.test"));
  await session.get(at(plain, "one.test"));
  expect([sent(safe), sent(plain)]).toEqual([
    [undefined, "s=1; p=1"],
    ["p=1", "p=1"],
  ]);
});

test.each<[string, string, string]>([
  ["sid=2; Path=/", "http://example.com/", "sid=1"],
  ["sid=2; Path=/; Max-Age=0", "http://example.com/", "sid=1"],
  ["sid=2; Path=/account", "http://example.com/", "sid=1"],
  ["sid=2; Path=/; Domain=example.com", "http://a.example.com/", "sid=1"],
  ["sid=2; Path=/; Domain=.EXAMPLE.com", "http://a.example.com/", "sid=1"],
  ["sid=2; Path=/", "http://a.example.com/", "sid=1"],
  ["sid=2; Path=/", "http://example.org/", "sid=1"],
  ["other=2; Path=/", "http://example.com/", "sid=1; other=2"],
  ["sid=2; Path=/", "https://example.com/", "sid=2"],
])("what only goes over TLS is not replaced without it: after %s of %s there is %s", (cookie, url, expected) => {
  const jar = new CookieJar();
  jar.set("sid=1; Path=/; Secure", "https://example.com/");
  jar.set(cookie, url);
  const there = jar.cookies("https://example.com/account").map(({ name, value }) => `${name}=${value}`);
  expect(there.join("; ")).toBe(expected);
});

test("below another path, and on this machine, a name may be used again without TLS", () => {
  const jar = new CookieJar();
  jar.set("sid=1; Path=/login; Secure", "https://example.com/");
  expect(jar.set("sid=2; Path=/", "http://example.com/")).toBe(true);
  jar.set("sid=1; Secure", "http://localhost/");
  expect(jar.set("sid=2", "http://localhost/")).toBe(true);
  expect(jar.cookies("http://localhost/")).toMatchObject([{ value: "2" }]);
});

test("cookies end when they are over, and when the server takes them back", async () => {
  await using server = await openFaultServer([
    setting("a=1; Max-Age=3600", "b=2", "c=3; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
    setting("a=; Max-Age=0"),
    faults.ok(),
  ]);
  await using session = openHere();
  for (let i = 0; i < 3; i++) await session.get(server.url);
  expect(sent(server)).toEqual([undefined, "a=1; b=2", "b=2"]);
  expect(session.cookies?.cookies()).toEqual([
    { name: "b", value: "2", domain: "127.0.0.1", path: "/", expires: undefined },
  ]);
});

test("each user may have a jar in one session, and a request may do without", async () => {
  await using server = await openFaultServer(({ headers, times }) =>
    times <= 2 ? setting(`user=${headers["x-user"] as string}`) : faults.ok(),
  );
  await using session = openHere();
  const [one, two] = [new CookieJar(), new CookieJar()];
  await session.get(server.url, { cookies: one, headers: { "x-user": "1" } });
  await session.get(server.url, { cookies: two, headers: { "x-user": "2" } });
  await session.get(server.url, { cookies: one });
  await session.get(server.url, { cookies: two });
  await session.get(server.url, { cookies: false });
  await session.get(server.url);
  expect(sent(server).slice(2)).toEqual(["user=1", "user=2", undefined, undefined]);
});

test("hooks see them, whole responses bring them, and HTTP/2 carries them", async () => {
  await using server = await openFaultServer([setting("a=1"), faults.ok()], { tls: "valid", http2: true });
  const seen: (string | null)[] = [];
  await using session = openHere({
    tls: { ca: server.authority },
    http2: "auto",
    hooks: { beforeRequest: ({ headers }) => void seen.push(headers.get("cookie")) },
  });
  for (let i = 0; i < 2; i++) await fetchWhole(session, session.orders.make("GET", server.url, undefined), true);
  expect([sent(server), seen]).toEqual([
    [undefined, "a=1"],
    [null, "a=1"],
  ]);
});

test("a request that was cancelled leaves the jar as it was", async () => {
  await using server = await openFaultServer(faults.delayed(20, setting("a=1")));
  await using session = openHere();
  await cancelScope((scope) =>
    taskGroup(async (group) => {
      group.spawn(() => session.get(server.url));
      await server.until(({ requests }) => requests === 1);
      scope.cancel();
    }),
  );
  await server.until(({ openConnections }) => openConnections === 0);
  expect([session.cookies?.cookies(), session.statistics().active]).toEqual([[], 0]);
});

// The jar.

test("a jar can be saved and loaded", () => {
  const jar = new CookieJar();
  expect(jar.set("a=1; Domain=example.com; Path=/x; Max-Age=3600; Secure", "https://www.example.com/")).toBe(true);
  expect(jar.set("b=2", "http://example.org/x/y")).toBe(true);
  const again = CookieJar.fromJSON(JSON.parse(JSON.stringify(jar)));
  expect(again.cookies()).toEqual(jar.cookies());
  expect(again.cookies().length).toBe(2);
  expect(again.cookies("https://example.com/x")[0]).toMatchObject({ name: "a", value: "1", domain: "example.com" });
  expect(again.cookies("http://example.com/x")).toEqual([]);
  again.clear();
  expect([again.cookies().length, jar.cookies().length]).toEqual([0, 2]);
});

test.each([undefined, null, 1, "[]", {}, { cookies: 1 }, { cookies: [{ key: 1, domain: {} }, 5] }])(
  "what is no jar is refused, or has no cookies: %j",
  (json) => {
    let found: unknown;
    try {
      found = CookieJar.fromJSON(json).cookies();
    } catch (error) {
      found = (error as Error).message;
    }
    expect(JSON.stringify(found)).toMatch(/^\[\]$|Expected `json` to be what a CookieJar gave as JSON, got/);
  },
);

test("set says whether the cookie was taken", () => {
  const jar = new CookieJar();
  for (const bad of ["", "no cookie", "=x", "a=1; Domain=org", "a=1; Domain=example.com", `a=${"x".repeat(5_000)}`]) {
    expect(jar.set(bad, "http://example.org/")).toBe(false);
  }
  expect(jar.cookies()).toEqual([]);
  expect(() => jar.set("a=1", "nowhere")).toThrow('Expected `url` to be a URL, got "nowhere" (string)');
  expect(() => jar.set(1 as never, "http://a.test")).toThrow("Expected `cookie` to be a string, got `1` (number)");
});

test("a server cannot fill the memory: it has so many cookies, and those set longest ago make way", async () => {
  const jar = new CookieJar();
  await using server = await openFaultServer(({ number }) =>
    setting(...Array.from({ length: 50 }, (_, i) => `c${number * 50 + i}=1; Path=/${i}`)),
  );
  await using session = openHere({ cookies: jar });
  for (let i = 0; i < 6; i++) await session.get(server.url);
  const names = jar.cookies().map(({ name }) => Number(name.slice(1)));
  expect(names.length).toBe(180);
  expect(Math.min(...names)).toBe(Math.max(...names) - 179);
});

const hosts = ["example.com", "www.example.com", "a.www.example.com", "example.org", "co.uk", "x.co.uk", "com"];
const others = [
  "localhost",
  "127.0.0.1",
  "10.0.0.1",
  "[::1]",
  "evil-example.com",
  "xn--bcher-kva.example",
  "github.io",
];
const all = [...hosts, ...others, "a.github.io"];
/** Whether a cookie that `from` has set may ever go to `to`: the same host, or the same site. */
const site = (host: string): string =>
  ["example.com", "example.org", "x.co.uk", "a.github.io"].find((name) => host === name || host.endsWith(`.${name}`)) ??
  host;

test("whatever servers set: nothing is thrown, nothing goes to another site, and headers stay in one piece", () => {
  const attribute = fc.oneof(
    fc.constantFrom(...all).map((host) => `Domain=${host}`),
    fc.constantFrom(...all).map((host) => `domain=.${host}.`),
    fc.constantFrom(
      "Path=/",
      "Path=/a",
      "Path",
      "Secure",
      "HttpOnly",
      "SameSite=None",
      "Max-Age=60",
      "Max-Age=-1",
      "=",
    ),
    fc.constantFrom("Expires=Wed, 21 Oct 2099 07:28:00 GMT", "Expires=99 99 99", "Domain=", "Domain", "Domain=[::1]"),
    fc.string(),
    fc.string({ unit: "binary" }),
  );
  const name = fc.oneof(fc.constantFrom("a", "__proto__", "__Host-a", "__Secure-a", "constructor", ""), fc.string());
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.constantFrom("x\r\nset-cookie: b=1", "x\ny", '"'),
  );
  const line = fc.oneof(
    fc
      .tuple(name, value, fc.array(attribute, { maxLength: 4 }))
      .map(([a, b, rest]) => [`${a}=${b}`, ...rest].join("; ")),
    fc.string(),
  );
  const url = fc
    .record({ scheme: fc.constantFrom("http", "https"), host: fc.constantFrom(...all), path: fc.webPath() })
    .map(({ scheme, host, path }) => `${scheme}://${host}${path}`);
  fc.assert(
    fc.property(url, fc.array(line, { maxLength: 5 }), url, (from, lines, to) => {
      const jar = new CookieJar();
      jar.takeAll(lines, from);
      const pairs = jar.pairsFor(to).map(([, pair]) => pair);
      expect(pairs.join("; ")).not.toMatch(/[\r\n\0]/);
      const mayGo = site(new URL(from).hostname) === site(new URL(to).hostname);
      expect(mayGo ? [] : pairs).toEqual([]);
      const again = CookieJar.fromJSON(JSON.parse(JSON.stringify(jar)));
      expect(again.pairsFor(to).map(([, pair]) => pair)).toEqual(pairs);
    }),
    { numRuns: 2_000 },
  );
});

test("whatever a session meets: cookies of one site never come to another", async () => {
  let cookies: string[] = [];
  await using server = await openFaultServer(() => setting(...cookies));
  const host = fc.constantFrom("example.com", "www.example.com", "example.org", "x.co.uk", "y.co.uk", "127.0.0.1");
  const domain = fc.oneof(host, fc.constantFrom("co.uk", "com", ".com", "uk", ""));
  const step = fc.record({ host, domain: fc.option(domain) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      await using session = openHere({ retry: false });
      for (const { host: own, domain: wanted } of steps) {
        cookies = [`${site(own).replaceAll(".", "_")}=1${wanted === null ? "" : `; Domain=${wanted}`}`];
        const response = await session.get(at(server, own));
        await response.discard();
        const got = server.requests.at(-1)!.headers["cookie"]?.split("; ") ?? [];
        expect(got.filter((pair) => pair !== `${site(own).replaceAll(".", "_")}=1`)).toEqual([]);
      }
    }),
    { numRuns: 40 },
  );
});

test.each<[unknown, string]>([
  [1, "Expected `cookies` to be a CookieJar or a boolean, got `1` (number)"],
  [{}, "Expected `cookies` to be a CookieJar or a boolean, got an object (Object)"],
  ["sid=secret", 'Expected `cookies` to be a CookieJar or a boolean, got "***" (string)'],
])("refuses cookies: %o", (cookies, message) => {
  expect(() => openSession({ cookies } as SessionOptions)).toThrow(message);
});
