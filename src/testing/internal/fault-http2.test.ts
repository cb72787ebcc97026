import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { describe, expect, test } from "vitest";
import { type RawClient, rawClient } from "../../../test/raw-client.ts";
import { type Frame, ask, hello, sendData, sendFrame, sendReset, takeFrame } from "../../../test/raw-http2.ts";
import { sleep, taskGroup } from "../../core/index.ts";
import { type Fault, faults, openFaultServer } from "../index.ts";

/** The first frame after the answer to a request, or before it: HEADERS and DATA of answers are passed over. */
async function nextFrameAfterAnswer(client: RawClient): Promise<Frame> {
  for (;;) {
    const frame = await takeFrame(client);
    if (frame.type !== "HEADERS" && frame.type !== "DATA") return frame;
  }
}

/** The platform's own client. */
function open(url: string, ca?: string): ClientHttp2Session & Disposable {
  const session = connect(url, ca === undefined ? {} : { ca });
  session.on("error", () => {}); // Tests look at streams.
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
}

/** What a stream ends with: its status and body, or the code of its error. */
async function outcomeOf(stream: ClientHttp2Stream): Promise<{ status?: number; body?: string; error?: string }> {
  let status: number | undefined;
  stream.on("response", (headers) => (status = headers[":status"]));
  try {
    stream.setEncoding("utf8");
    const body = (await stream.toArray()).join("");
    return status === undefined ? { error: `closed with ${stream.rstCode}` } : { status, body };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

describe("frame by frame", () => {
  test("an answer is a head and a body", async () => {
    await using server = await openFaultServer(faults.ok("hello"), { http2: true });
    using client = rawClient(server.url);
    ask(hello(client), 1);

    expect(await takeFrame(client, "HEADERS")).toMatchObject({ stream: 1, isLast: false });
    expect(await takeFrame(client, "DATA")).toMatchObject({ stream: 1, payload: Buffer.from("hello") });
  });

  test("a peer that goes away names the last stream it has answered: none", async () => {
    await using server = await openFaultServer(faults.goAway(), { http2: true });
    using client = rawClient(server.url);
    ask(hello(client), 1);

    expect((await takeFrame(client, "GOAWAY")).payload.toString("hex")).toBe("0000000000000000");
    expect((await client.all()).end).toBe("FIN");
  });

  test("a peer that goes away may answer the last request, and say why it goes", async () => {
    await using server = await openFaultServer([faults.ok("1"), faults.goAway(faults.ok("2"), 11)], { http2: true });
    using client = rawClient(server.url);
    ask(hello(client), 1);
    await takeFrame(client, "DATA");
    ask(client, 3);

    expect((await takeFrame(client, "GOAWAY")).payload.toString("hex")).toBe("000000030000000b");
    expect(await takeFrame(client, "DATA")).toMatchObject({ stream: 3, payload: Buffer.from("2") });
    expect((await client.all()).end).toBe("FIN");
  });

  test("a stream is reset with a code, or refused", async () => {
    await using server = await openFaultServer([faults.resetStream(), faults.resetStream(1), faults.refuseStream()], {
      http2: true,
    });
    using client = rawClient(server.url);
    hello(client);
    const codes: string[] = [];
    for (const stream of [1, 3, 5]) {
      const { payload } = await takeFrame(ask(client, stream), "RST_STREAM");
      codes.push(payload.toString("hex"));
    }

    expect(codes).toEqual(["00000002", "00000001", "00000007"]);
    await server.until(({ inFlight }) => inFlight === 0);
    expect(server.requests.map(({ state }) => state)).toEqual(["played", "played", "played"]);
  });

  test("a stream is refused before its body has come", async () => {
    await using server = await openFaultServer(faults.refuseStream(), { http2: true });
    using client = rawClient(server.url);
    ask(hello(client), 1, true);

    expect(await takeFrame(client, "RST_STREAM")).toMatchObject({ stream: 1, payload: Buffer.from([0, 0, 0, 7]) });
    expect(server.requests[0]).toMatchObject({ isComplete: false, fault: "refuse stream" });
  });

  test("a request is recorded with its body", async () => {
    await using server = await openFaultServer(faults.ok("x"), { http2: true });
    using client = rawClient(server.url);
    ask(hello(client), 1, true);
    sendData(client, 1, "he", false);
    await server.until(() => server.requests[0]?.bodyBytes === 2);
    expect(server.requests[0]).toMatchObject({ isComplete: false, state: "open" });
    sendData(client, 1, "llo", true);
    await takeFrame(client, "DATA");

    expect(server.requests[0]).toMatchObject({
      version: "2",
      method: "POST",
      target: "/",
      url: "http://test/",
      bodyBytes: 5,
      isComplete: true,
    });
    expect(server.connections[0]!.protocol).toBe("http/2");
  });

  test("an early answer comes before the body", async () => {
    await using server = await openFaultServer(faults.early(faults.ok("x")), { http2: true });
    using client = rawClient(server.url);
    ask(hello(client), 1, true);

    expect((await takeFrame(client, "DATA")).payload.toString()).toBe("x");
    expect(server.requests[0]!.isComplete).toBe(false);
  });

  test("a body that the client gives up is not complete", async () => {
    await using server = await openFaultServer(faults.ok(), { http2: true });
    using client = rawClient(server.url);
    ask(hello(client), 1, true);
    sendData(client, 1, "half", false);
    await server.until(() => server.requests[0]?.bodyBytes === 4);
    sendReset(client, 1, 8);
    await server.until(({ inFlight }) => inFlight === 0);

    expect(server.requests[0]).toMatchObject({ state: "cut", isComplete: false });
  });

  test("data that is read lets the client send as much again; other data only on other streams", async () => {
    await using server = await openFaultServer([faults.ok("x"), faults.unread()], { http2: true });
    using client = rawClient(server.url);
    ask(hello(client), 1, true);
    sendData(client, 1, "hello", false);
    const windows = [await takeFrame(client, "WINDOW_UPDATE"), await takeFrame(client, "WINDOW_UPDATE")];
    expect(windows.map(({ stream, payload }) => [stream, payload.toString("hex")])).toEqual([
      [0, "00000005"],
      [1, "00000005"],
    ]);
    sendData(client, 1, "", true);
    ask(client, 3, true);
    sendData(client, 3, "hey", false);
    expect(await takeFrame(client, "WINDOW_UPDATE")).toMatchObject({ stream: 0, payload: Buffer.from([0, 0, 0, 3]) });
    sendFrame(client, 6, 0, 0, Buffer.from("are you?"));

    // Not a word of stream 3 in between.
    expect((await nextFrameAfterAnswer(client)).type).toBe("PING");
    expect(server.requests[1]!.bodyBytes).toBe(0);
  });

  test("a body is sent as far as the client's windows are open, and on when they are opened", async () => {
    await using server = await openFaultServer(faults.largeBody(20), { http2: true });
    using client = rawClient(server.url);
    hello(client);
    // SETTINGS_INITIAL_WINDOW_SIZE of 8.
    sendFrame(client, 4, 0, 0, Buffer.from([0, 4, 0, 0, 0, 8]));
    ask(client, 1);
    expect((await takeFrame(client, "DATA")).payload).toHaveLength(8);
    sendFrame(client, 8, 0, 1, Buffer.from([0, 0, 0, 2]));
    expect((await takeFrame(client, "DATA")).payload).toHaveLength(2);
    // With 9 to begin with, one more is open on streams that have begun.
    sendFrame(client, 4, 0, 0, Buffer.from([0, 4, 0, 0, 0, 9]));
    expect((await takeFrame(client, "DATA")).payload).toHaveLength(1);
    sendFrame(client, 8, 0, 1, Buffer.from([0, 0, 1, 0]));

    expect((await takeFrame(client, "DATA")).payload).toHaveLength(9);
    expect(await takeFrame(client, "DATA")).toMatchObject({ isLast: true, payload: Buffer.alloc(0) });
  });

  test("settings and pings are acknowledged, and what is not known is overlooked", async () => {
    await using server = await openFaultServer(faults.ok(), { http2: true });
    using client = rawClient(server.url);
    hello(client);
    expect(await takeFrame(client, "SETTINGS")).toMatchObject({ isLast: false, payload: Buffer.alloc(0) });
    expect(await takeFrame(client, "SETTINGS")).toMatchObject({ isLast: true });
    sendFrame(client, 99, 0, 0, Buffer.from("what?"));
    sendFrame(client, 6, 0, 0, Buffer.from("are you?"));

    expect(await takeFrame(client, "PING")).toMatchObject({ isLast: true, payload: Buffer.from("are you?") });
  });

  test("headers are cut in the middle of their frame, and bodies before the last", async () => {
    await using server = await openFaultServer(
      [faults.cutIn("headers", faults.ok("hello")), faults.cutIn("body", faults.ok("hello"), "close")],
      { http2: true },
    );
    using first = rawClient(server.url);
    ask(hello(first), 1);
    await takeFrame(first, "SETTINGS");
    await takeFrame(first, "SETTINGS");
    const { received, end } = await first.all();
    expect(end).toBe("ECONNRESET");
    // 9 bytes of the frame's own head, and less than it says of the headers.
    expect(received.length).toBeGreaterThan(9);
    expect(received.length).toBeLessThan(9 + Buffer.from(received, "latin1").readUIntBE(0, 3));
    using second = rawClient(server.url);
    ask(hello(second), 1);

    expect(await takeFrame(second, "DATA")).toMatchObject({ isLast: false, payload: Buffer.from("he") });
    expect((await second.all()).end).toBe("FIN");
  });

  test("headers of clients may take several frames, with padding and priority", async () => {
    await using server = await openFaultServer(faults.ok("x"), { http2: true });
    using client = rawClient(server.url);
    hello(client);
    // 2 of padding, 5 of priority, :method GET, :scheme http; and then :path /, :authority of one letter.
    sendFrame(client, 1, 0x29, 1, Buffer.from([2, 0, 0, 0, 0, 15, 0x82, 0x86, 0, 0]));
    sendFrame(client, 9, 0x4, 1, Buffer.from([0x84, 0x01, 1, 97]));
    await takeFrame(client, "DATA");

    expect(server.requests[0]!.rawHeaders).toEqual([
      [":method", "GET"],
      [":scheme", "http"],
      [":path", "/"],
      [":authority", "a"],
    ]);
  });

  test.for<readonly [what: string, type: number, payload: Buffer, problem: string]>([
    ["a frame that is too short", 8, Buffer.from([1]), "a frame that is too short"],
    ["more padding than there is room", 1, Buffer.from([9, 0]), "a frame with more padding than it has room for"],
    ["headers that were never sent", 1, Buffer.from([0, 0xff, 0x20]), "a header that was never sent, number 159"],
  ])("%s ends the connection with a GOAWAY, and is recorded", async ([, type, payload, problem]) => {
    await using server = await openFaultServer(faults.ok(), { http2: true });
    using client = rawClient(server.url);
    sendFrame(hello(client), type, 0xc, 1, payload);

    expect((await takeFrame(client, "GOAWAY")).payload.toString("hex")).toBe("0000000000000001");
    expect((await client.all()).end).toBe("FIN");
    expect(server.connections[0]!.problem).toBe(problem);
  });

  test("headers that are not continued end the connection, and so does a frame that is too long", async () => {
    await using server = await openFaultServer(faults.ok(), { http2: true });
    using first = rawClient(server.url);
    sendFrame(hello(first), 1, 0, 1, Buffer.from([0x82]));
    sendFrame(first, 6, 0, 0, Buffer.from("are you?"));
    await takeFrame(first, "GOAWAY");
    using second = rawClient(server.url);
    hello(second).send(Buffer.from([0, 0x40, 1, 0, 0, 0, 0, 0, 1]));
    await takeFrame(second, "GOAWAY");

    expect(server.connections.map(({ problem }) => problem)).toEqual([
      "headers that are not continued",
      "a frame of 16385 bytes",
    ]);
  });

  test("raw bytes go between two frames", async () => {
    const ping = [0, 0, 8, 6, 1, 0, 0, 0, 0, ...Buffer.from("thoughts")];
    await using server = await openFaultServer(faults.raw(new Uint8Array(ping), "keep"), { http2: true });
    using client = rawClient(server.url);
    ask(hello(client), 1);

    expect((await takeFrame(client, "PING")).payload.toString()).toBe("thoughts");
  });
});

describe("to the platform's client", () => {
  test("faults do what they do on HTTP/1, without the headers that HTTP/2 does not know", async () => {
    const script = {
      "/ok": faults.ok("hello"),
      "/chunked": faults.status(201, "hello", { framing: "chunked" }),
      "/slow": faults.slow(faults.ok("hello"), { pieceBytes: 2 }),
      "/early-hints": faults.informational([103], faults.ok("hello")),
      "/large": faults.largeBody(200_000),
      "/echo": faults.echo(),
    };
    await using server = await openFaultServer(script, { http2: true });
    using session = open(server.url);
    const ask2 = (path: string): Promise<unknown> => outcomeOf(session.request({ ":path": path }));

    expect(await ask2("/ok")).toEqual({ status: 200, body: "hello" });
    expect(await ask2("/chunked")).toEqual({ status: 201, body: "hello" });
    expect(await ask2("/slow")).toEqual({ status: 200, body: "hello" });
    expect(await ask2("/early-hints")).toEqual({ status: 200, body: "hello" });
    expect(await ask2("/large")).toEqual({ status: 200, body: "\0".repeat(200_000) });
    const echo = session.request({ ":path": "/echo", ":method": "POST" });
    echo.end("what");
    expect(await outcomeOf(echo)).toEqual({ status: 200, body: "what" });
    expect(await outcomeOf(session.request({ ":path": "/ok", ":method": "HEAD" }))).toEqual({ status: 200, body: "" });
    expect(server.statistics()).toMatchObject({ connections: 1, requests: 7 });
  });

  test("requests come at once on one connection", async () => {
    await using server = await openFaultServer(faults.delayed(20, faults.ok("x")), { http2: true });
    using session = open(server.url);
    await Promise.all([1, 2, 3].map(() => outcomeOf(session.request({}))));

    expect(server.statistics()).toMatchObject({ connections: 1, mostInFlight: 3, repeated: 2 });
  });

  test("with TLS it is chosen by clients that know it", async () => {
    await using server = await openFaultServer(faults.ok("hello"), { http2: true, tls: "valid" });
    using session = open(server.url, server.authority);

    expect(await outcomeOf(session.request({}))).toEqual({ status: 200, body: "hello" });
    expect(session.alpnProtocol).toBe("h2");
  });

  test("going away with TLS refuses the first request, too", async () => {
    await using server = await openFaultServer([faults.goAway(), faults.ok()], { http2: true, tls: "valid" });
    using session = open(server.url, server.authority);

    expect(await outcomeOf(session.request({}))).toEqual({
      error: "Stream closed with error code NGHTTP2_REFUSED_STREAM",
    });
  });

  test("a connection ends in the middle of a body, or before the headers", async () => {
    await using server = await openFaultServer(
      { "/body": faults.cutIn("body", faults.ok("hello")), "/headers": faults.cutIn("headers", faults.ok("hello")) },
      { http2: true },
    );
    for (const path of ["/body", "/headers"]) {
      using session = open(server.url);
      expect(await outcomeOf(session.request({ ":path": path }))).toHaveProperty("error");
      await server.until(({ openConnections }) => openConnections === 0);
    }

    expect(server.connections.map(({ end }) => end)).toEqual(["server-reset", "server-reset"]);
  });

  test("what another stream does to the connection cuts a request", async () => {
    await using server = await openFaultServer({ "/hang": faults.hang(), "/reset": faults.reset() }, { http2: true });
    using session = open(server.url);
    const hanging = outcomeOf(session.request({ ":path": "/hang" }));
    await server.until(({ inFlight }) => inFlight === 1);
    await outcomeOf(session.request({ ":path": "/reset" }));
    await server.until(({ openConnections, inFlight }) => openConnections === 0 && inFlight === 0);

    expect(await hanging).toHaveProperty("error");
    expect(server.requests.map(({ state }) => state)).toEqual(["cut", "played"]);
  });

  test("a connection ends just when it is used again", async () => {
    await using server = await openFaultServer(faults.endOnNextRequest(faults.ok("hello")), { http2: true });
    using session = open(server.url);
    await outcomeOf(session.request({}));

    expect(await outcomeOf(session.request({}))).toHaveProperty("error");
    expect(server.connections[0]!.end).toBe("server-closed");
    expect(server.requests).toHaveLength(1);
  });

  test("a stream that the client cancels is recorded as cut, and the connection goes on", async () => {
    await using server = await openFaultServer({ "/hang": faults.hang(), "/": faults.ok("x") }, { http2: true });
    using session = open(server.url);
    const stream = session.request({ ":path": "/hang" });
    await server.until(({ inFlight }) => inFlight === 1);
    stream.close(8);
    await server.until(({ inFlight }) => inFlight === 0);

    expect(server.requests[0]!.state).toBe("cut");
    expect(await outcomeOf(session.request({}))).toEqual({ status: 200, body: "x" });
  });

  test("a client that goes leaves nothing open", async () => {
    await using server = await openFaultServer(faults.hang(), { http2: true });
    const session = open(server.url);
    session.request({}).on("error", () => {});
    await server.until(({ inFlight }) => inFlight === 1);
    session.destroy();
    await server.until(({ openConnections, inFlight }) => openConnections === 0 && inFlight === 0);

    expect(server.connections[0]!.end).toBe("client-closed");
  });

  test("disposal ends the streams of clients", async () => {
    const server = await openFaultServer(faults.hang(), { http2: true });
    using session = open(server.url);
    const outcome = outcomeOf(session.request({}));
    await server.until(({ inFlight }) => inFlight === 1);
    await server[Symbol.asyncDispose]();

    expect(await outcome).toHaveProperty("error");
    expect(server.requests[0]!.state).toBe("cut");
    expect(server.connections[0]!.end).toBe("disposed");
  });
});

test.for(["without TLS", "with TLS"])("%s, whatever is asked and whenever clients go: all ends", async (how) => {
  const all: readonly Fault[] = [
    faults.ok("hello"),
    faults.hang(),
    faults.largeBody(300_000),
    faults.endlessBody({ pieceBytes: 1_000, everyMs: 1 }),
    faults.resetStream(),
    faults.refuseStream(),
    faults.slow(faults.ok("hello")),
    faults.early(faults.ok("hello")),
    faults.unread(faults.ok("hello")),
    faults.goAway(faults.ok("hello")),
    faults.cutIn("body", faults.ok("hello")),
    faults.reset(),
    faults.raw("no frame"),
  ];
  const tls = how === "with TLS" ? ({ tls: "valid" } as const) : {};
  await using server = await openFaultServer(({ number }) => all[number % all.length]!, { http2: true, ...tls });
  const one = async (i: number): Promise<void> => {
    using session = open(server.url, server.authority);
    for (let asked = 0; asked < 4 && !session.destroyed && !session.closed; asked++) {
      const stream = session.request({ ":method": i % 3 === 0 ? "POST" : "GET" });
      stream.on("error", () => {});
      if (i % 4 !== 0) stream.resume();
      if (i % 3 === 0) stream.write(new Uint8Array(100_000));
      await sleep(i % 10);
      if (asked % 2 === 1) stream.close(8);
    }
  };
  await taskGroup(async (group) => {
    for (let i = 0; i < 60; i++) {
      group.spawn(() => one(i));
      await sleep(1);
    }
  });
  await server.until(({ openConnections, inFlight }) => openConnections === 0 && inFlight === 0);

  expect(server.statistics().requests).toBeGreaterThan(50);
});

test("what speaks no HTTP/2 is recorded as a problem", async () => {
  await using server = await openFaultServer(faults.ok(), { http2: true });
  using client = rawClient(server.url).get();
  await once(client.socket, "close");
  await server.until(({ openConnections }) => openConnections === 0);

  expect(server.connections[0]!.problem).toBe("no preface of HTTP/2");
});

test("a fault of HTTP/2 on HTTP/1 is a mistake of the script", async () => {
  const server = await openFaultServer([faults.goAway(), faults.refuseStream()]);
  using first = rawClient(server.url).get();
  using second = rawClient(server.url).get();
  expect((await first.all()).end).toBe("ECONNRESET");
  expect((await second.all()).end).toBe("ECONNRESET");

  await expect(server[Symbol.asyncDispose]()).rejects.toThrow(
    "This fault is of HTTP/2, and the request came by HTTP/1: open the server with `http2: true`",
  );
});
