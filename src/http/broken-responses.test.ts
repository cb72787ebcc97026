import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { type Fault, type FaultServerOptions, faults, openFaultDns, openFaultServer } from "../testing/index.ts";
import { openSession } from "./index.ts";

const hello = faults.ok("hello");

/** What the body, or else the request, fails with. */
async function failureOf(fault: Fault, options: FaultServerOptions = {}): Promise<unknown> {
  await using server = await openFaultServer(fault, options);
  await using session = openSession({ retry: false, tls: { ca: server.authority }, http2: options.http2 ?? false });
  try {
    return await (await session.get(server.url)).text();
  } catch (error) {
    return error;
  }
}

describe("a body that only the end of the connection ends", () => {
  test.each([{}, { tls: "valid" }] as const)("is whole if that is a FIN (%o)", async (options) => {
    expect(await failureOf(faults.http10("hello"), options)).toBe("hello");
  });

  test.each([{}, { tls: "valid" }] as const)("is broken if that is a reset (%o)", async (options) => {
    expect(await failureOf(faults.cutIn("body", faults.http10("hello")), options)).toMatchObject({
      code: "HTTP_CONNECTION",
      phase: "response",
      causeCode: "ECONNRESET",
      status: 200,
    });
  });

  test("is whole if a reset comes after its last chunk", async () => {
    const chunks = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    expect(await failureOf(faults.raw(chunks, "reset"))).toBe("hello");
  });
});

describe("errors carry the status", () => {
  test("of a response that broke off", async () => {
    expect(await failureOf(faults.shortBody())).toMatchObject({ code: "HTTP_CONNECTION", status: 200 });
    expect(await failureOf(faults.badChunkSize())).toMatchObject({ code: "HTTP_PROTOCOL", status: 200 });
  });

  test("and none where no headers came", async () => {
    expect(await failureOf(faults.reset())).toHaveProperty("status", undefined);
  });
});

describe("nothing of what came and is no HTTP is shown, as it may be secret", () => {
  test.each<[string, Fault]>([
    ["instead of a head", faults.raw("secret\r\n\r\nsecret")],
    ["in a head", faults.raw("HTTP/1.1 200 OK\r\nx y: secret\r\nset-cookie: secret\r\n\r\nsecret")],
    ["in a body", faults.raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nz secret\r\nsecret")],
  ])("%s", async (_, fault) => {
    const failure = await failureOf(fault);
    expect(failure).toMatchObject({ code: "HTTP_PROTOCOL" });
    expect(inspect(failure, { depth: 10 })).not.toContain("secret");
  });

  test("nor what a proxy says instead of HTTP", async () => {
    await using proxy = await openFaultServer(faults.ok(), { connections: "garbage" });
    await using session = openSession({ retry: false, proxy: proxy.url });
    const failure = await session.get("https://example.test/").catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "HTTP_PROXY" });
    expect(inspect(failure, { depth: 10 })).not.toContain("rawPacket");
  });
});

describe("messages say in plain words that", () => {
  test.each<[string, Fault, FaultServerOptions]>([
    ["the connection broke before the response: the server closed it", faults.close(), {}],
    ["the connection broke within the body: the server closed it", faults.shortBody(), {}],
    ["the connection broke within the body: the server closed it", faults.unendedChunks(), {}],
    ["it does not begin as HTTP does", faults.raw(), {}],
    ["its headers are too long", faults.largeHeader(100_000), {}],
    ["it is not as long as its Content-Length says", faults.twoLengths(), {}],
    ["it is not what HTTP allows here", faults.informational([101], hello), {}],
    ["Invalid character in chunk size", faults.badChunkSize(), {}],
    ["it breaks the rules of HTTP/2", faults.raw("x".repeat(40), "keep"), { http2: true }],
    ["could not connect: the server does not speak TLS", hello, { tls: "valid", connections: "garbage" }],
  ])("%s", async (words, fault, options) => {
    expect((await failureOf(fault, options)) as Error).toHaveProperty("message", expect.stringMatching(`: ${words}$`));
  });
});

describe("messages say of names that", () => {
  test.each([
    ["no address is known of fault.test (ENOTFOUND)", { code: "NXDOMAIN" }],
    ["no address is known of fault.test (ENODATA)", { code: "NOERROR" }],
    ["the DNS server could not tell of fault.test (ESERVFAIL)", { code: "SERVFAIL" }],
  ] as const)("%s", async (words, answer) => {
    await using names = await openFaultDns({ "fault.test": answer });
    await using session = openSession({ retry: false, dns: { servers: [names.address] } });
    await expect(session.get("http://fault.test/")).rejects.toThrow(`could not connect: ${words}`);
  });
});

describe("of a stream of HTTP/2", () => {
  test("headers that it does not allow are no broken connection", async () => {
    expect(await failureOf(faults.badLength(), { http2: true })).toMatchObject({ code: "HTTP_PROTOCOL" });
  });

  test("an answer that breaks the connection costs the others an attempt, and not their answer", async () => {
    const others = { "/a": [faults.hang(), hello], "/b": [faults.hang(), hello] };
    await using server = await openFaultServer({ ...others, "/bad": faults.largeHeader(1_000_000) }, { http2: true });
    await using session = openSession({ baseUrl: server.url, http2: true });
    const texts = Promise.all(
      ["/a", "/b"].map(async (path) => (await session.get(path, { retry: { backoff: () => 100 } })).text()),
    );
    await expect(session.get("/bad", { retry: { backoff: () => 1 } })).rejects.toMatchObject({ code: "HTTP_PROTOCOL" });
    expect(await texts).toEqual(["hello", "hello"]);
  });

  test("several answers that break off with their connection say so, without retries", async () => {
    const script = { "/bad": faults.largeHeader(1_000_000), "*": faults.hang() };
    await using server = await openFaultServer(script, { http2: true });
    await using session = openSession({ baseUrl: server.url, http2: true, retry: false });
    const both = await Promise.allSettled([session.get("/hang"), session.get("/bad")]);
    for (const one of both) {
      expect(one).toMatchObject({ reason: { code: "HTTP_CONNECTION", causeCode: "HTTP2_SHARED" } });
    }
  });

  test.each([
    [2, 3], // INTERNAL_ERROR
    [7, 4], // REFUSED_STREAM, which is made up for at once, once
    [12, 1], // INADEQUATE_SECURITY
    [13, 1], // HTTP_1_1_REQUIRED
  ])("a reset with code %i, over a connection used before, takes %i attempts", async (code, attempts) => {
    await using server = await openFaultServer({ "/": hello, "*": faults.resetStream(code) }, { http2: true });
    await using session = openSession({ http2: true, retry: { attempts: 3, backoff: () => 0 } });
    await (await session.get(server.url)).text();
    await expect(session.get(`${server.url}/reset`)).rejects.toMatchObject({ code: "HTTP_CONNECTION" });
    expect(server.requests.length - 1).toBe(attempts);
  });
});
