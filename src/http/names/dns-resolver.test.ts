import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openFaultDns } from "../../testing/index.ts";
import { Resolver } from "./dns-resolver.ts";
import { dotsOfWholeNames } from "./dns-servers.ts";
import { systemLookup } from "./dns-system.ts";

test("both kinds of address are asked for, and hold as long as the shortest says", async () => {
  await using server = await openFaultDns(({ type }) =>
    type === "A"
      ? { addresses: ["192.0.2.1", "192.0.2.2"], ttlSeconds: 60 }
      : { addresses: ["2001:db8::1"], ttlSeconds: 20 },
  );
  const resolver = new Resolver({ servers: [server.address] });
  const { addresses, ttlMs } = await resolver.resolve("a.test");
  expect(addresses.toSorted((a, b) => a.localeCompare(b))).toEqual(["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
  expect(ttlMs).toBe(20_000);
  expect(server.queries.map(({ type }) => type).toSorted((a, b) => a.localeCompare(b))).toEqual(["A", "AAAA"]);
});

test("a server that never answers for one kind of address is not waited for", async () => {
  await using server = await openFaultDns(({ type }) =>
    type === "A" ? { addresses: ["192.0.2.1"] } : { delayMs: Infinity },
  );
  const resolver = new Resolver({ servers: [server.address] });
  expect((await resolver.resolve("a.test")).addresses).toEqual(["192.0.2.1"]);
  resolver.close();
});

test("one kind of address is enough", async () => {
  await using server = await openFaultDns({ "*": { addresses: ["2001:db8::1"] } });
  const resolver = new Resolver({ servers: [server.address] });
  expect((await resolver.resolve("a.test")).addresses).toEqual(["2001:db8::1"]);
});

test("servers that were named are the only ones asked, and what they say counts", async () => {
  await using server = await openFaultDns({});
  const resolver = new Resolver({ servers: [server.address] });
  await expect(resolver.resolve("nobody.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
  await expect(resolver.resolve("single")).rejects.toMatchObject({ code: "ENOTFOUND" });
  expect(server.queries.map(({ name }) => name)).toContain("single");
});

test("the hosts file comes first, and localhost is this machine everywhere", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "hosts-"));
  const hostsPath = join(folder.path, "hosts");
  writeFileSync(hostsPath, "192.0.2.7 db.internal\n");
  await using server = await openFaultDns({});
  const resolver = new Resolver({ servers: [server.address], hostsPath });
  expect((await resolver.resolve("db.internal")).addresses).toEqual(["192.0.2.7"]);
  expect((await resolver.resolve("db.internal.")).addresses).toEqual(["192.0.2.7"]);
  expect((await resolver.resolve("localhost")).addresses).toEqual(["127.0.0.1", "::1"]);
  expect((await resolver.resolve("app.localhost")).addresses).toEqual(["127.0.0.1", "::1"]);
  expect(server.queries).toEqual([]);
});

test("closing ends a lookup that nobody answers", async () => {
  const asked = Promise.withResolvers<void>();
  await using server = await openFaultDns(() => {
    asked.resolve();
    return { delayMs: Infinity };
  });
  const resolver = new Resolver({ servers: [server.address] });
  const lookup = resolver.resolve("a.test");
  await asked.promise;
  resolver.close();
  await expect(lookup).rejects.toMatchObject({ code: "ECANCELLED" });
});

test("the system's own resolver knows what the system knows, and many names may be asked for at once", async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => systemLookup("localhost")));
  for (const addresses of all) expect(addresses).toContain("127.0.0.1");
  await expect(systemLookup("nobody.invalid")).rejects.toMatchObject({ syscall: "getaddrinfo" });
});

test("the system's settings say how many dots make a whole name", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "resolv-"));
  const path = join(folder.path, "resolv.conf");
  expect(dotsOfWholeNames(path)).toBe(1);
  writeFileSync(path, "nameserver 10.0.0.2\nsearch ns.svc.cluster.local\noptions timeout:1 ndots:5\n");
  expect(dotsOfWholeNames(path)).toBe(5);
  writeFileSync(path, "nameserver 10.0.0.2\n");
  expect(dotsOfWholeNames(path)).toBe(1);
});
