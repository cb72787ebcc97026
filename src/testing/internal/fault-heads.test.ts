import { expect, test } from "vitest";
import { rawAnswer, rawClient } from "../../../test/raw-client.ts";
import { faults, openFaultServer } from "../index.ts";

test("raw bytes are sent as they are, and the connection ends as is said", async () => {
  await using server = await openFaultServer({
    "/garbage": faults.raw(),
    "/bytes": faults.raw(new Uint8Array([0, 255, 13]), "reset"),
  });

  expect(await rawAnswer(server.url, "/garbage")).toEqual({ received: "220 mail.example.com ESMTP\r\n", end: "FIN" });
  expect(await rawAnswer(server.url, "/bytes")).toEqual({ received: "\u0000\u00ff\r", end: "ECONNRESET" });
});

test("a connection can be kept after raw bytes", async () => {
  await using server = await openFaultServer(faults.raw("what?", "keep"));
  using client = rawClient(server.url);

  expect(await client.get().take("what?")).toBe("what?");
  expect(await client.get().take("what?")).toBe("what?");
});

test("endless headers go on until the client goes", async () => {
  await using server = await openFaultServer(faults.endlessHeaders());
  using client = rawClient(server.url).get();

  expect(await client.take("x-header-1: ")).toBe("HTTP/1.1 200 OK\r\nx-header-1: ");
  expect(await client.take("x-header-300: ")).not.toContain("\r\n\r\n");
  client.socket.destroy();
  await server.until(({ inFlight }) => inFlight === 0);
  expect(server.requests[0]).toMatchObject({ state: "cut", fault: "endless headers" });
});

test("a header may be large, and headers many", async () => {
  await using server = await openFaultServer({
    "/large": faults.largeHeader(100_000),
    "/many": faults.manyHeaders(3),
  });

  expect((await rawAnswer(server.url, "/large")).received).toBe(
    `HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-large: ${"x".repeat(100_000)}\r\n\r\nok`,
  );
  expect((await rawAnswer(server.url, "/many")).received).toBe(
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-header-1: x\r\nx-header-2: x\r\nx-header-3: x\r\n\r\nok",
  );
});

test("a line of a head may be anything", async () => {
  await using server = await openFaultServer({
    "/status": faults.badStatusLine("HTTP/1.1 1000 Too much"),
    "/header": faults.badHeader("x: a\0b"),
    "/both": [faults.badStatusLine(), faults.badHeader()],
  });

  expect((await rawAnswer(server.url, "/status")).received).toBe(
    "HTTP/1.1 1000 Too much\r\ncontent-length: 2\r\n\r\nok",
  );
  expect((await rawAnswer(server.url, "/header")).received).toBe(
    "HTTP/1.1 200 OK\r\nx-header: x\r\nx: a\0b\r\ncontent-length: 2\r\n\r\nok",
  );
  expect((await rawAnswer(server.url, "/both")).received).toMatch(/^HTTP\/1\.1 abc\r\n/);
  expect((await rawAnswer(server.url, "/both")).received).toContain("\r\na header without its colon\r\n");
});
