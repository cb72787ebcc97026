import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { cancelScope, sleep, taskGroup } from "../core/index.ts";
import { type DnsScript, type FaultDns, expectNoLeaks, openFaultDns } from "./index.ts";

function resolverOf(dns: FaultDns): Resolver {
  const resolver = new Resolver({ tries: 1, timeout: 2_000 });
  resolver.setServers([dns.address]);
  return resolver;
}

/** Sends a message and returns the answer, byte by byte. */
async function ask(dns: FaultDns, message: string): Promise<string> {
  const socket = createSocket("udp4");
  const [address = "", port = ""] = dns.address.split(":");
  socket.send(Buffer.from(message.replaceAll(" ", ""), "hex"), Number(port), address);
  const [answer] = (await once(socket, "message")) as [Buffer];
  socket.close();
  return answer.toString("hex");
}

const question = "03 617069 04 74657374 00 0001 0001"; // api.test A IN
const query = `abcd 0100 0001 0000 0000 0000 ${question}`;

describe("byte by byte", () => {
  test("an answer repeats the question, and has a record for each address", async () => {
    await using dns = await openFaultDns({
      "api.test": { addresses: ["127.0.0.1", "::1", "10.0.0.2"], ttlSeconds: 60 },
    });

    expect(await ask(dns, query)).toBe(
      `abcd 8180 0001 0002 0000 0000 ${question} c00c 0001 0001 0000003c 0004 7f000001 c00c 0001 0001 0000003c 0004 0a000002`.replaceAll(
        " ",
        "",
      ),
    );
  });

  test("a code, a truncation or any bytes may be answered", async () => {
    await using dns = await openFaultDns({
      "api.test": [{ code: "SERVFAIL" }, { isTruncated: true }, { bytes: new Uint8Array([1, 2, 3]) }],
    });
    const rest = `0001 0000 0000 0000 ${question}`;

    expect(await ask(dns, query)).toBe(`abcd 8182 ${rest}`.replaceAll(" ", ""));
    expect(await ask(dns, query)).toBe(`abcd 8380 ${rest}`.replaceAll(" ", ""));
    expect(await ask(dns, query)).toBe("010203");
  });

  test("what is no question is overlooked", async () => {
    await using dns = await openFaultDns({ "*": { addresses: ["127.0.0.1"] } });
    const socket = createSocket("udp4");
    const port = Number(dns.address.split(":")[1]);
    const broken = [
      "",
      "00",
      "abcd 8180 0001 0000 0000 0000",
      "abcd 0100 0001 0000 0000 0000 03 6170",
      "abcd 0100 0001 0000 0000 0000 c0 0c 0001 0001",
    ];
    for (const message of broken) socket.send(Buffer.from(message.replaceAll(" ", ""), "hex"), port, "127.0.0.1");
    await ask(dns, query);
    socket.close();

    expect(dns.queries.map(({ name, type }) => `${type} ${name}`)).toEqual(["A api.test"]);
  });
});

describe("to the platform's resolver", () => {
  test("answers change, for each kind of address by itself", async () => {
    await using dns = await openFaultDns({
      "Api.test": [
        { addresses: ["127.0.0.1", "::1"] },
        { addresses: ["127.0.0.2", "2001:db8::1:0:5", "::ffff:1.2.3.4"] },
      ],
    });
    const resolver = resolverOf(dns);

    expect(await resolver.resolve4("api.test")).toEqual(["127.0.0.1"]);
    expect(await resolver.resolve6("api.test")).toEqual(["::1"]);
    expect(await resolver.resolve4("API.test")).toEqual(["127.0.0.2"]);
    expect(await resolver.resolve6("api.test")).toEqual(["2001:db8::1:0:5", "::ffff:1.2.3.4"]);
    expect(await resolver.resolve4("api.test")).toEqual(["127.0.0.2"]);
    expect(dns.queries.map(({ number, type, times }) => [number, type, times])).toEqual([
      [1, "A", 1],
      [2, "AAAA", 1],
      [3, "A", 2],
      [4, "AAAA", 2],
      [5, "A", 3],
    ]);
  });

  test("names may not exist, servers may fail or refuse", async () => {
    await using dns = await openFaultDns({
      "failing.test": { code: "SERVFAIL" },
      "refused.test": { code: "REFUSED" },
      "empty.test": {},
    });
    const resolver = resolverOf(dns);

    await expect(resolver.resolve4("nobody.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(resolver.resolve4("failing.test")).rejects.toMatchObject({ code: "ESERVFAIL" });
    await expect(resolver.resolve4("refused.test")).rejects.toMatchObject({ code: "EREFUSED" });
    await expect(resolver.resolve4("empty.test")).rejects.toMatchObject({ code: "ENODATA" });
  });

  test("an answer may take its time, and a function may say what it is", async () => {
    await using dns = await openFaultDns(({ name, times }) => ({
      addresses: [`10.0.${times}.${name.length}`],
      delayMs: 20,
    }));
    const before = performance.now();

    expect(await resolverOf(dns).resolve4("a.test")).toEqual(["10.0.1.6"]);
    expect(performance.now() - before).toBeGreaterThanOrEqual(19);
  });

  test("other types of records are recorded by their numbers", async () => {
    await using dns = await openFaultDns({ "*": { addresses: ["127.0.0.1"] } });

    await expect(resolverOf(dns).resolveMx("a.test")).rejects.toMatchObject({ code: "ENODATA" });
    expect(dns.queries[0]!.type).toBe("15");
  });
});

test.for<readonly [script: unknown, message: string]>([
  [undefined, "Expected `script` to be a table of names or a function"],
  [{ "a.test": [] }, "Expected `a.test` to have an answer in its list, got none"],
  [{ "a.test": "127.0.0.1" }, "Expected an answer of `script` to be an object, got `127.0.0.1`"],
  [{ "a.test": { addresses: ["localhost"] } }, "Expected `addresses` to be IP addresses, got `localhost`"],
  [{ "a.test": { code: "OOPS" } }, "Expected `code` to be one of NOERROR, FORMERR"],
  [{ "a.test": { delayMs: -1 } }, "Expected `delayMs` to be"],
])("a script like %j is refused", async ([script, message]) => {
  await expect(openFaultDns(script as DnsScript)).rejects.toThrow(message);
});

test("what a script throws, disposal throws", async () => {
  const dns = await openFaultDns(() => {
    throw new Error("bad script");
  });
  const resolver = resolverOf(dns);
  const asked = resolver.resolve4("a.test").catch(() => {});
  while (dns.queries.length === 0) await sleep(0);
  resolver.cancel();
  await asked;

  await expect(dns[Symbol.asyncDispose]()).rejects.toThrow("bad script");
});

test("disposal ends answers that are still to come, and leaves nothing", async () => {
  await expectNoLeaks(async () => {
    await using dns = await openFaultDns({ "*": { delayMs: Infinity } });
    const resolver = resolverOf(dns);
    const asked = resolver.resolve4("a.test").catch((error: NodeJS.ErrnoException) => error.code);
    while (dns.queries.length === 0) await sleep(0);
    resolver.cancel();
    expect(await asked).toBe("ECANCELLED");
  });
  expect.assertions(1);
});

test("it belongs to the scope that opens it", async () => {
  await cancelScope(async (scope) => {
    scope.cancel();
    await expect(openFaultDns({})).rejects.toMatchObject({ code: "ABORT_ERR" });
  });
  const dns = await taskGroup(() => openFaultDns({}));
  await dns[Symbol.asyncDispose]();
  let opening: Promise<unknown> | undefined;
  await taskGroup(() => {
    opening = openFaultDns({});
    opening.catch(() => {});
  });

  await expect(opening).rejects.toMatchObject({ code: "SCOPE_CLOSED" });
});
