import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { httpServer } from "../../test/http-server.ts";
import { cancelScope, checkpoint } from "../core/index.ts";
import { openFaultDns } from "../testing/index.ts";
import { openSession } from "./index.ts";

const portOf = (origin: string): string => new URL(origin).port;

test("names are looked up once for all requests of a session", async () => {
  await using names = await openFaultDns({ "*": { addresses: ["127.0.0.1"], ttlSeconds: 300 } });
  await using server = await httpServer((request, response) => void response.end(request.headers.host));
  await using session = openSession({ dns: { servers: [names.address] } });
  const host = `app.example.test:${portOf(server.origin)}`;
  const texts = await Promise.all(
    Array.from({ length: 20 }, async () => (await session.get(`http://${host}/`)).text()),
  );
  expect(new Set(texts)).toEqual(new Set([host]));
  expect(names.queries.filter(({ type }) => type === "A")).toMatchObject([{ name: "app.example.test" }]);
});

test("an answer that holds for no time is asked for by each connection", async () => {
  await using names = await openFaultDns({ "*": { addresses: ["127.0.0.1"] } });
  await using server = await httpServer((_request, response) => {
    response.setHeader("connection", "close").end("x");
  });
  await using session = openSession({ dns: { servers: [names.address] } });
  for (let i = 0; i < 3; i++) await (await session.get(`http://a.test:${portOf(server.origin)}/`)).text();
  expect(names.queries.filter(({ type }) => type === "A")).toHaveLength(3);
});

test("an address where nobody listens is followed by the next", async () => {
  await using server = await httpServer((_request, response) => void response.end("x"));
  await using session = openSession({ dns: { lookup: () => ["::1", "127.0.0.2", "127.0.0.1"] } });
  for (let i = 0; i < 3; i++) {
    const response = await session.get(`http://a.test:${portOf(server.origin)}/`, { headers: { connection: "close" } });
    expect(await response.text()).toBe("x");
  }
});

test("a name that has an address of its own is not looked up: on all ports, or on one", async () => {
  await using names = await openFaultDns({ "*": { addresses: ["127.0.0.1"] } });
  await using one = await httpServer((request, response) => void response.end(request.headers.host));
  await using other = await httpServer((request, response) => void response.end(request.headers.host));
  const [port, otherPort] = [portOf(one.origin), portOf(other.origin)];
  const hosts = { "All.test": "127.0.0.1", [`one.test:${port}`]: ["::9", "127.0.0.1"] };
  await using session = openSession({ retry: false, dns: { servers: [names.address], hosts } });
  const get = async (host: string): Promise<string> => (await session.get(`http://${host}/`)).text();
  for (const host of [`all.test:${port}`, `all.test:${otherPort}`, `one.test:${port}`])
    expect(await get(host)).toBe(host);
  expect(names.queries).toEqual([]);
  expect(await get(`one.test:${otherPort}`)).toBe(`one.test:${otherPort}`);
  expect(names.queries.map(({ name }) => name)).toContain("one.test");
});

test("an address of one's own is no way around allowPrivateHosts", async () => {
  const hosts = { "inside.test": "127.0.0.1" };
  await using session = openSession({ retry: false, allowPrivateHosts: false, dns: { hosts } });
  await expect(session.get("http://inside.test/")).rejects.toMatchObject({ code: "HTTP_PRIVATE_HOST" });
});

test.each([
  [{ "a.test": "nowhere" }, 'Expected `dns.hosts["a.test"]` to be IP addresses, got "nowhere" (string)'],
  [{ "a.test": [] }, 'Expected `dns.hosts["a.test"]` to be IP addresses, got an object (Array)'],
  [null as never, "Expected `dns.hosts` to be an object of names and their IP addresses, got `null`"],
])("addresses of one's own %j are refused", (hosts, message) => {
  expect(() => openSession({ dns: { hosts } })).toThrow(message);
});

test("addresses of IPv6 are reached, written out and by name", async () => {
  const server = createServer((request, response) => response.end(request.headers.host));
  await new Promise<void>((resolve) => server.listen(0, "::1", resolve));
  const { port } = server.address() as AddressInfo;
  {
    await using session = openSession({ dns: { lookup: async () => ["::1"] } });
    expect(await (await session.get(`http://[::1]:${port}/`)).text()).toBe(`[::1]:${port}`);
    expect(await (await session.get(`http://[0:0::0:1]:${port}/`)).text()).toBe(`[::1]:${port}`);
    expect(await (await session.get(`http://six.test:${port}/`)).text()).toBe(`six.test:${port}`);
  }
  await new Promise((resolve) => server.close(resolve));
});

test("a name that nobody knows is a failed connection", async () => {
  await using names = await openFaultDns({});
  await using session = openSession({ retry: false, dns: { servers: [names.address] } });
  await expect(session.get("http://nobody.test/")).rejects.toMatchObject({
    code: "HTTP_CONNECTION",
    phase: "connect",
    causeCode: "ENOTFOUND",
  });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a lookup of one's own that throws, or returns no addresses, fails the request", async () => {
  const boom = new Error("the phone book is shut");
  const lookups = [() => Promise.reject(boom), () => ["not an address"], () => [], () => "127.0.0.1" as never];
  for (const lookup of lookups) {
    await using session = openSession({ retry: false, dns: { lookup } });
    await expect(session.get("http://a.test/")).rejects.toMatchObject({ code: "HTTP_CONNECTION", phase: "connect" });
  }
  await using session = openSession({ retry: false, dns: { lookup: () => Promise.reject(boom) } });
  await expect(session.get("http://a.test/")).rejects.toMatchObject({ cause: boom });
});

test("a request is cancelled, or late, while its name is looked up, and others of that name go on", async () => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  await using server = await httpServer((_request, response) => void response.end("x"));
  const lookup = async (): Promise<string[]> => {
    asked.resolve();
    await answered.promise;
    await checkpoint(); // Belongs to none of those who ask: the first has been cancelled.
    return ["127.0.0.1"];
  };
  await using session = openSession({ retry: false, dns: { lookup } });
  const url = `http://a.test:${portOf(server.origin)}/`;
  const cancelled = cancelScope(async (scope) => {
    const request = session.get(url);
    await asked.promise;
    scope.cancel();
    await request;
  });
  const other = session.get(url);
  expect(await cancelled).toBeUndefined();
  await expect(session.get(url, { timeout: { connectMs: 1 } })).rejects.toMatchObject({ phase: "connect" });
  answered.resolve();
  expect(await (await other).text()).toBe("x");
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 1 });
});

test("closing the session ends lookups that nobody answers", async () => {
  const asked = Promise.withResolvers<void>();
  await using names = await openFaultDns(() => {
    asked.resolve();
    return { delayMs: Infinity };
  });
  const session = openSession({ dns: { servers: [names.address] } });
  const outcome = Promise.allSettled([session.get("http://a.test/")]);
  await asked.promise;
  await session[Symbol.asyncDispose]();
  expect(await outcome).toMatchObject([{ reason: { code: "HTTP_SESSION_CLOSED" } }]);
});

test("wrong options are refused when the session is opened", () => {
  const wrong: [object, string][] = [
    [{ dns: 1 }, "Expected `dns` to be an object, got `1` (number)"],
    [{ dns: { cacheMs: -1 } }, "Expected `dns.cacheMs` to be a number of milliseconds, 0 or more, got `-1` (number)"],
    [{ dns: { lookup: 1 } }, "Expected `dns.lookup` to be a function, got `1` (number)"],
    [{ dns: { servers: ["dns.example"] } }, "Expected `dns.servers` to be a list of addresses"],
    [{ dns: { servers: "127.0.0.1" } }, "Expected `dns.servers` to be a list of addresses"],
    [{ dns: { servers: [], lookup: () => [] } }, "Expected either `dns.servers` or `dns.lookup`, got both"],
  ];
  for (const [options, message] of wrong) expect(() => openSession(options)).toThrow(message);
});
