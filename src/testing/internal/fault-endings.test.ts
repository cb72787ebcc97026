import { expect, test } from "vitest";
import { rawAnswer, rawClient } from "../../../test/raw-client.ts";
import { type Fault, faults, openFaultServer } from "../index.ts";

const ok = faults.ok("hello");
const whole = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

const cuts: readonly (readonly [what: string, fault: Fault, received: string, end: string])[] = [
  ["a reset without an answer", faults.reset(), "", "ECONNRESET"],
  ["an end without an answer", faults.close(), "", "FIN"],
  ["a reset in the headers", faults.cutIn("headers", ok), "HTTP/1.1 200 OK\r\nco", "ECONNRESET"],
  ["an end in the headers", faults.cutIn("headers", ok, "close"), "HTTP/1.1 200 OK\r\nco", "FIN"],
  ["a reset in the body", faults.cutIn("body", ok), whole.slice(0, -3), "ECONNRESET"],
  ["an end in the body", faults.cutIn("body", ok, "close"), whole.slice(0, -3), "FIN"],
  ["a reset after so many bytes", faults.cutIn(10, ok), whole.slice(0, 10), "ECONNRESET"],
  ["an end after so many bytes", faults.cutIn(41, ok, "close"), whole.slice(0, 41), "FIN"],
  ["a reset in a chunk", faults.cutIn("body", faults.ok("hello", { framing: "chunked" })), chunkCut(), "ECONNRESET"],
];

function chunkCut(): string {
  return "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhe";
}

test.for(cuts)("%s", async ([, fault, received, end]) => {
  await using server = await openFaultServer(fault);
  using client = rawClient(server.url).get();

  expect(await client.all()).toEqual({ received, end });
  await server.until(({ openConnections }) => openConnections === 0);
  expect(server.connections[0]!.end).toBe(end === "FIN" ? "server-closed" : "server-reset");
  expect(server.requests[0]!.state).toBe("played");
});

test("a cut beyond the end of the answer is none, and goes on counting on no other", async () => {
  await using server = await openFaultServer([faults.cutIn(44, ok), ok]);
  using client = rawClient(server.url);

  expect(await client.get().take("hello")).toBe(whole);
  expect(await client.get().take("hello")).toBe(whole);
});

test("a fault that hangs never answers, and ends with its client", async () => {
  await using server = await openFaultServer(faults.hang());
  using client = rawClient(server.url).get();
  await server.until(({ inFlight }) => inFlight === 1);
  client.socket.destroy();
  await server.until(({ openConnections }) => openConnections === 0);

  expect(client.received).toBe("");
  expect(server.requests[0]!.state).toBe("cut");
  expect(server.connections[0]!.end).toBe("client-closed");
});

test("a delayed fault waits first, and then does the same", async () => {
  await using server = await openFaultServer(faults.delayed(20, ok));

  expect((await rawAnswer(server.url)).received).toBe(whole);
  const { atMs, endedAtMs } = server.requests[0]!;
  expect(endedAtMs! - atMs).toBeGreaterThanOrEqual(20);
});

test("a slow fault sends the same, piece by piece with pauses", async () => {
  await using server = await openFaultServer(faults.slow(ok, { pieceBytes: 10, everyMs: 5 }));
  using client = rawClient(server.url).get();

  expect(await client.take("hello")).toBe(whole);
  await server.until(({ inFlight }) => inFlight === 0);
  // Four pieces of headers, and one of the body.
  const { atMs, endedAtMs } = server.requests[0]!;
  expect(endedAtMs! - atMs).toBeGreaterThanOrEqual(25);
});

test("a connection may end after an answer that did not say so", async () => {
  await using server = await openFaultServer({
    "/close": faults.thenEnd(ok),
    "/reset": faults.thenEnd(ok, { afterMs: 5, how: "reset" }),
  });
  using closed = rawClient(server.url).get("/close");
  using reset = rawClient(server.url).get("/reset");

  expect(await closed.all()).toEqual({ received: whole, end: "FIN" });
  expect(await reset.all()).toEqual({ received: whole, end: "ECONNRESET" });
});

test("a connection may end just when it is used again", async () => {
  await using server = await openFaultServer({
    "/close": faults.endOnNextRequest(ok),
    "/reset": faults.endOnNextRequest(ok, "reset"),
  });
  using closed = rawClient(server.url).get("/close");
  using reset = rawClient(server.url).get("/reset");
  await closed.take(whole);
  await reset.take(whole);

  expect(await closed.get("/again").all()).toEqual({ received: "", end: "FIN" });
  expect(await reset.get("/again").all()).toEqual({ received: "", end: "ECONNRESET" });
  expect(server.requests.map(({ target }) => target)).toEqual(["/close", "/reset"]);
});

test("a script may end each connection after so many requests", async () => {
  await using server = await openFaultServer(({ numberOnConnection }) => {
    return numberOnConnection === 3 ? faults.thenEnd(ok) : ok;
  });
  using client = rawClient(server.url);
  for (let i = 0; i < 2; i++) expect(await client.get().take("hello")).toBe(whole);

  expect(await client.get().all()).toEqual({ received: whole, end: "FIN" });
});

test("what nobody asked for comes a while after the answer, on a connection that is kept", async () => {
  await using server = await openFaultServer([faults.unasked(ok), faults.unasked(ok, { bytes: "!", afterMs: 20 })]);
  using client = rawClient(server.url);

  expect(await client.get().take("content-length: 0\r\n\r\n")).toMatch(/hello.*HTTP\/1\.1 408 Request Timeout/s);
  expect(await client.get().take("!")).toBe(`${whole}!`);
  const { atMs, endedAtMs } = server.requests[1]!;
  expect(endedAtMs! - atMs).toBeGreaterThanOrEqual(20);
});
