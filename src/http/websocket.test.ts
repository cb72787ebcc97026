import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { thrownBy } from "../../test/core/helpers.ts";
import { certificate } from "../../test/http-certificate.ts";
import { type Peer, type TestServer, httpServer, rawServer } from "../../test/http-server.ts";
import { proxyServer } from "../../test/proxy-server.ts";
import { webSocketServer } from "../../test/websocket-server.ts";
import { cancelScope, currentScope, drawTree, moveOnAfter, taskGroup, timeout } from "../core/index.ts";
import { Semaphore } from "../sync/index.ts";
import { type WebSocketClient, WebSocketError, openSession } from "./index.ts";

async function all(socket: WebSocketClient): Promise<(string | Uint8Array)[]> {
  const messages: (string | Uint8Array)[] = [];
  for await (const message of socket) messages.push(message);
  return messages;
}

/** The next connection of a server by hand, shaken hands with. */
async function shaken(server: TestServer, more = ""): Promise<Peer> {
  const peer = await server.accept();
  const request = await peer.head();
  const key = /sec-websocket-key: (.*)\r\n/.exec(request)![1]!;
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  peer.send(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n${more}\r\n`,
  );
  return peer;
}

async function endlessly(fn: () => Promise<void>): Promise<never> {
  for (;;) await fn();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test("messages go both ways, as text and as bytes", async () => {
  await using server = await webSocketServer();
  await using session = openSession();
  await using socket = await session.websocket(server.url);
  await socket.send("hällo \u{1F600}");
  expect(await socket.receive()).toBe("hällo \u{1F600}");
  const bytes = new Uint8Array([0, 255, 128]);
  await socket.send(bytes);
  expect(await socket.receive()).toEqual(bytes);
  await socket.send("");
  expect(await socket.receive()).toBe("");
  await socket.send(new Uint8Array(0));
  expect(await socket.receive()).toEqual(new Uint8Array(0));
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 1 });
});

test("any messages come back as they were, compressed or not", async () => {
  await using plain = await webSocketServer();
  await using compressed = await webSocketServer(undefined, { compress: true });
  await using session = openSession();
  await using first = await session.websocket(plain.url);
  await using second = await session.websocket(compressed.url);
  const message = fc.oneof(
    fc.string({ unit: "binary", maxLength: 50 }),
    fc.uint8Array({ maxLength: 50 }),
    fc.integer({ min: 0, max: 70_000 }).map((length) => "xäy".repeat(length / 3)),
    fc.integer({ min: 0, max: 70_000 }).map((length) => new Uint8Array(length).fill(7)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 20 }), async (messages) => {
      for (const socket of [first, second]) {
        const back: (string | Uint8Array | undefined)[] = [];
        for (const one of messages) await socket.send(one);
        while (back.length < messages.length) back.push(await socket.receive());
        expect(back).toEqual(messages);
      }
    }),
    { numRuns: 30 },
  );
});

test("thousands of messages come in order, and the loop ends when the server closes", async () => {
  const count = 20_000;
  await using server = await webSocketServer((client) => {
    for (let i = 0; i < count; i++) client.send(String(i));
    client.close(1000);
  });
  await using session = openSession();
  await using socket = await session.websocket(server.url);
  expect(await all(socket)).toEqual(Array.from({ length: count }, (_, i) => String(i)));
  expect(await socket.receive()).toBe(undefined);
  await server.until(({ closed }) => closed.length === 1);
  expect(server.closed).toEqual(["1000"]);
});

test("the handshake is a request of the session", async () => {
  await using server = await webSocketServer();
  const seen: string[] = [];
  const limiter = new Semaphore(1);
  await using session = openSession({
    baseUrl: server.url.replace("ws:", "http:"),
    headers: { "x-of": "session" },
    auth: { bearer: "token" },
    limit: 1,
    limiter,
    hooks: {
      beforeRequest: ({ headers }) => headers.set("x-hook", "yes"),
      afterResponse: ({ status }, { url }) => void seen.push(`${status} ${url}`),
    },
  });
  await using socket = await session.websocket("rooms/1", { headers: { "x-own": "1" }, query: { key: "secret" } });
  const { url, headers } = server.requests[0]!;
  expect(url).toBe("/rooms/1?key=secret");
  expect(headers).toMatchObject({
    "x-of": "session",
    "x-own": "1",
    "x-hook": "yes",
    authorization: "Bearer token",
    upgrade: "websocket",
    "sec-websocket-version": "13",
  });
  expect(seen).toEqual([`101 ${session.websocket.name && server.url.replace("ws:", "http:")}/rooms/1?key=secret`]);
  // Open, it holds neither a slot nor a permit.
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 1 });
  expect(limiter.statistics()).toMatchObject({ inUse: 0 });
  server.clients[0]!.close(1011, "oh");
  const error = (await thrownBy(socket.receive())) as Error;
  expect(error.message).toBe(`GET ${server.url}/rooms/1: the server closed it with 1011 (internal error): oh`);
});

test("URLs of http and https are those of ws and wss", async () => {
  await using server = await webSocketServer(undefined, { tls: true });
  await using session = openSession({ tls: { ca: certificate } });
  for (const url of [server.url, new URL(server.url), server.url.replace("wss:", "https:")]) {
    await using socket = await session.websocket(url);
    await socket.send("x");
    expect(await socket.receive()).toBe("x");
  }
});

test("subprotocols are offered, and the server chooses one of them", async () => {
  await using server = await webSocketServer(undefined, { protocol: "v2" });
  await using session = openSession();
  await using socket = await session.websocket(server.url, { protocols: ["v1", "v2"] });
  expect(server.requests[0]!.headers["sec-websocket-protocol"]).toBe("v1, v2");
  expect(socket.protocol).toBe("v2");
  expect(await thrownBy(session.websocket(server.url, { protocols: ["v1"] }))).toMatchObject({
    code: "HTTP_WEBSOCKET_HANDSHAKE",
    status: 101,
  });
  await using none = await webSocketServer();
  await using chosen = await session.websocket(none.url, { protocols: ["v1"] });
  expect(chosen.protocol).toBe("v1");
});

test("another answer than to speak WebSocket is an error with its status", async () => {
  await using server = await httpServer((request, response) => {
    response.writeHead(request.url === "/moved" ? 302 : Number(request.url!.slice(1)), { location: "/200" }).end("no");
  });
  await using session = openSession({ retry: { attempts: 2, backoff: () => 0 } });
  for (const status of [200, 401, 404, 426, 500]) {
    expect(await thrownBy(session.websocket(server.url(`/${status}`)))).toMatchObject({
      code: "HTTP_WEBSOCKET_HANDSHAKE",
      status,
      message: `GET ${server.url(`/${status}`)}: the server would not speak WebSocket: it answered ${status}`,
    });
  }
  expect(await thrownBy(session.websocket(server.url("/moved")))).toMatchObject({ status: 302 });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
  // The 500 was sent again.
  expect(server.peers.length).toBe(7);
});

test("a handshake that agrees to something else is an error", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const answers: [string, string][] = [
    ["upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: abc\r\n", "its Sec-WebSocket-Accept is wrong"],
    ["upgrade: h2c\r\nconnection: upgrade\r\n", "it goes on with another protocol"],
  ];
  for (const [headers, why] of answers) {
    const opening = thrownBy(session.websocket(server.origin));
    const peer = await server.accept();
    await peer.head();
    peer.send(`HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n`);
    expect(await opening).toMatchObject({ status: 101, message: expect.stringContaining(why) as string });
    await peer.closed;
  }
  const more: [string, string][] = [
    ["sec-websocket-protocol: v9\r\n", "it takes a protocol that was not offered"],
    ["sec-websocket-extensions: x-other\r\n", "its Sec-WebSocket-Extensions is wrong: x-other was not offered"],
    ["sec-websocket-extensions: permessage-deflate; server_max_window_bits=99\r\n", "its Sec-WebSocket-Extensions is"],
  ];
  for (const [header, why] of more) {
    const opening = thrownBy(session.websocket(server.origin));
    const peer = await shaken(server, header);
    expect(await opening).toMatchObject({ status: 101, message: expect.stringContaining(why) as string });
    await peer.closed;
  }
  const uncompressed = thrownBy(session.websocket(server.origin, { compress: false }));
  await shaken(server, "sec-websocket-extensions: permessage-deflate\r\n");
  expect(await uncompressed).toMatchObject({ message: expect.stringContaining("none was offered") as string });
  expect(session.statistics().connections).toBe(0);
});

test("the handshake has the timeouts of a request", async () => {
  await using server = await rawServer();
  await using session = openSession({ retry: false });
  const error = await thrownBy(session.websocket(server.origin, { timeout: { headersMs: 50 } }));
  expect(error).toMatchObject({ code: "HTTP_TIMEOUT", phase: "headers" });
  await server.peers[0]!.closed;
});

test("the loop ends where the server says that all is done, and throws where it says otherwise", async () => {
  await using server = await webSocketServer((client, { url }) => {
    client.send("last");
    if (url === "/none") client.close();
    else client.close(Number(url!.slice(1)), "why");
  });
  await using session = openSession();
  for (const path of ["/none", "/1000", "/1001"]) {
    await using socket = await session.websocket(server.url + path);
    expect(await all(socket)).toEqual(["last"]);
    expect(await thrownBy(socket.send("x"))).toMatchObject({ code: "HTTP_WEBSOCKET" });
  }
  for (const closeCode of [1002, 1008, 1011, 1012, 4001]) {
    await using socket = await session.websocket(`${server.url}/${closeCode}`);
    expect(await socket.receive()).toBe("last");
    expect(await thrownBy(all(socket))).toMatchObject({ code: "HTTP_WEBSOCKET", closeCode, reason: "why" });
    expect(await thrownBy(socket.send("x"))).toMatchObject({ closeCode });
  }
});

test("a connection that breaks is an error, for who reads and who sends", async () => {
  await using server = await rawServer();
  await using session = openSession();
  for (const how of ["destroy", "resetAndDestroy", "end"] as const) {
    const opening = session.websocket(server.origin);
    const peer = await shaken(server);
    await using socket = await opening;
    // In the middle of a message.
    peer.send(Buffer.from([0x81, 5, 0x61]));
    const reading = thrownBy(socket.receive());
    await pause(20);
    peer.socket[how]();
    expect(await reading).toMatchObject({ code: "HTTP_WEBSOCKET", closeCode: 1006 });
    expect(await thrownBy(socket.send("x"))).toMatchObject({ closeCode: 1006 });
  }
});

test("what is no WebSocket is refused, and the server is told", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const frames: [number[], number][] = [
    [[0x81, 0x81, 0, 0, 0, 0, 0x61], 1002], // masked
    [[0xf1, 0], 1002], // reserved bits
    [[0xc1, 0], 1002], // compressed, which was not agreed on
    [[0x81, 1, 0xff], 1007], // not UTF-8
    [[0x80, 0], 1002], // goes on with nothing
    [[0x88, 2, 3, 0xec], 1002], // closed with 1004
  ];
  for (const [frame, closeCode] of frames) {
    const opening = session.websocket(server.origin);
    const peer = await shaken(server);
    await using socket = await opening;
    peer.send(Buffer.from(frame));
    expect(await thrownBy(socket.receive())).toMatchObject({ code: "HTTP_WEBSOCKET", closeCode, cause: {} });
    await peer.closed;
    const told = Buffer.from(peer.received, "latin1");
    expect(told[0]).toBe(0x88);
    const [mask, masked] = [told.subarray(2, 6), told.subarray(6, 8)];
    expect(((masked[0]! ^ mask[0]!) << 8) | (masked[1]! ^ mask[1]!)).toBe(closeCode);
  }
});

test("a message that is too long is refused before it has come, compressed or not", async () => {
  for (const compress of [false, true]) {
    await using server = await webSocketServer((client) => client.send(Buffer.alloc(20_000_000)), { compress });
    await using session = openSession();
    await using socket = await session.websocket(server.url, { maxMessageBytes: 1_000_000 });
    expect(await thrownBy(socket.receive())).toMatchObject({
      closeCode: 1009,
      message: expect.stringContaining("a message is longer than 1000000 bytes (maxMessageBytes)") as string,
    });
  }
});

test("who does not read makes the server wait, and what is held stays bounded", async () => {
  for (const compress of [false, true]) {
    const count = 4_000;
    let sent = 0;
    const text = "x".repeat(10_000);
    await using server = await webSocketServer(
      (client) => {
        const more = (): void => {
          if (sent < count && client.readyState === 1) client.send(`${sent++} ${text}`, more);
        };
        more();
      },
      { compress },
    );
    await using session = openSession();
    await using socket = await session.websocket(server.url, { maxUnreadBytes: 100_000 });
    for (let before = -1; before !== sent;) {
      before = sent;
      await pause(150);
    }
    // Compressed, all of it may fit into the buffers of the system.
    expect(sent < count || compress).toBe(true);
    const { unreadBytes, unreadMessages } = socket.statistics();
    expect(unreadBytes).toBeGreaterThanOrEqual(100_000);
    expect(unreadBytes).toBeLessThan(250_000);
    for (let i = 0; i < unreadMessages + 1_000; i++) {
      const message = (await socket.receive()) as string;
      if (!message.startsWith(`${i} `)) throw new Error(`${i} is missing: ${message.slice(0, 10)}`);
    }
  }
});

test("who sends waits while the server does not read, and what is held stays bounded", async () => {
  await using server = await webSocketServer((client) => client.pause());
  await using session = openSession();
  await using socket = await session.websocket(server.url, { maxUnsentBytes: 100_000, closeTimeoutMs: 50 });
  let sent = 0;
  await moveOnAfter(500, async () => {
    for (; sent < 10_000; sent++) await socket.send("x".repeat(10_000));
  });
  expect(sent).toBeLessThan(10_000);
  expect(socket.statistics().unsentBytes).toBeLessThan(120_000);
  // The one that was cancelled has not been sent.
  let received = 0;
  server.clients[0]!.on("message", () => received++);
  server.clients[0]!.resume();
  while (received < sent) await pause(10);
  await socket.send("one more");
  while (received < sent + 1) await pause(10);
  expect(received).toBe(sent + 1);
});

test("several senders take turns, in their order", async () => {
  const received: string[] = [];
  await using server = await webSocketServer((client) => {
    client.pause();
    client.on("message", (data) => received.push((data as Buffer).toString("utf8", 0, 4)));
    setTimeout(() => client.resume(), 100);
  });
  await using session = openSession();
  await using socket = await session.websocket(server.url, { maxUnsentBytes: 1 });
  const names = Array.from({ length: 300 }, (_, i) => String(i).padStart(4, "0"));
  await Promise.all(names.map((name) => socket.send(name + "x".repeat(50_000))));
  while (received.length < names.length) await pause(10);
  expect(received).toEqual(names);
});

test("a server that is silent is sent a ping, and given up if it does not answer", async () => {
  const pings: string[] = [];
  await using server = await webSocketServer((client, { url }) => {
    client.on("message", (data, binary) => client.send(data, { binary }));
    client.on("ping", () => pings.push(url!));
  });
  await using mute = await webSocketServer(undefined, { answersPings: false });
  await using session = openSession();
  await using answering = await session.websocket(server.url, { heartbeatMs: 400 });
  await using silent = await session.websocket(mute.url, { heartbeatMs: 400 });
  expect(await thrownBy(silent.receive())).toMatchObject({
    closeCode: 1006,
    message: expect.stringContaining("nothing came for 800 ms, no answer to a ping either (heartbeatMs)") as string,
  });
  await mute.until(({ sockets }) => sockets.size === 0);
  while (pings.length < 3) await pause(20);
  await answering.send("x");
  expect(await answering.receive()).toBe("x");
});

test("a server that is made to wait is not given up for its silence", async () => {
  await using server = await webSocketServer((client) => {
    for (let i = 0; i < 100; i++) client.send("x".repeat(1_000));
  });
  await using session = openSession();
  await using socket = await session.websocket(server.url, { heartbeatMs: 300, maxUnreadBytes: 10_000 });
  await pause(900);
  for (let i = 0; i < 100; i++) expect(((await socket.receive()) as string).length).toBe(1_000);
  await pause(900);
  await moveOnAfter(100, () => socket.receive());
  expect(socket.statistics().connections).toBe(1);
  await socket.send("x");
});

test("closing shakes hands, and tells the server code and reason", async () => {
  await using server = await webSocketServer((client) => {
    client.send("unread");
    client.on("close", () => {});
  });
  await using session = openSession();
  const socket = await session.websocket(server.url);
  const reading = taskGroup(async (group) => {
    const rest = group.spawn(() => all(socket));
    await pause(50);
    await socket.close(4000, "bye");
    return rest.join();
  });
  expect(await reading).toEqual(["unread"]);
  await server.until(({ closed }) => closed.length === 1);
  expect(server.closed).toEqual(["4000 bye"]);
  expect(session.statistics().connections).toBe(0);
  await socket.close();
  expect(await thrownBy(socket.send("x"))).toMatchObject({ closeCode: 4000 });
});

test("a server that does not shake hands has a time limit, and after that its socket is closed", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const opening = session.websocket(server.origin, { closeTimeoutMs: 50 });
  const peer = await shaken(server);
  {
    await using socket = await opening;
    expect(socket.protocol).toBe("");
  }
  await peer.closed;
  expect(session.statistics().connections).toBe(0);
});

test("cancelled, its socket is closed at once, whoever uses it", async () => {
  await using server = await rawServer();
  await using session = openSession();
  let socket: WebSocketClient | undefined;
  let peer: Peer | undefined;
  const reading = cancelScope(async (scope) => {
    const opening = session.websocket(server.origin);
    peer = await shaken(server);
    socket = await opening;
    setTimeout(() => scope.cancel(), 20);
    await socket.receive();
  });
  expect(await reading).toBe(undefined);
  await peer!.closed;
  expect(peer!.received).toBe("");
  expect(await thrownBy(socket!.receive())).toMatchObject({ closeCode: 1006 });
  await expect.poll(() => session.statistics().connections).toBe(0);
});

test("cancelled in the handshake, its connection is closed", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const opening = moveOnAfter(100, () => session.websocket(server.origin));
  const peer = await server.accept();
  await peer.head();
  expect(await opening).toBe(undefined);
  await peer.closed;
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a wait for a message that is cancelled takes none", async () => {
  await using server = await webSocketServer();
  await using session = openSession();
  await using socket = await timeout(10_000, () => session.websocket(server.url));
  expect(await moveOnAfter(20, () => socket.receive())).toBe(undefined);
  await socket.send("1");
  expect(await socket.receive()).toBe("1");
  await socket.send("2");
  for await (const message of socket) {
    expect(message).toBe("2");
    break;
  }
  await socket.send("3");
  expect(await socket.receive()).toBe("3");
});

test("several tasks may read, and each message goes to one of them", async () => {
  await using server = await webSocketServer();
  await using session = openSession();
  await using socket = await session.websocket(server.url);
  const reading = Promise.all([socket.receive(), socket.receive(), socket.receive()]);
  for (const message of ["1", "2", "3"]) await socket.send(message);
  expect(await reading).toEqual(["1", "2", "3"]);
});

test("a session that is closed ends its WebSockets", async () => {
  await using server = await webSocketServer();
  const session = openSession();
  const socket = await session.websocket(server.url);
  const reading = thrownBy(socket.receive());
  await session[Symbol.asyncDispose]();
  expect(await reading).toMatchObject({ code: "HTTP_SESSION_CLOSED" });
  await server.until(({ sockets }) => sockets.size === 0);
  expect(await thrownBy(session.websocket(server.url))).toMatchObject({ code: "HTTP_SESSION_CLOSED" });
});

test("proxies are asked for a tunnel, for ws too", async () => {
  await using plain = await webSocketServer();
  await using secure = await webSocketServer(undefined, { tls: true });
  for (const tls of [false, true]) {
    await using proxy = await proxyServer({ password: "user:secret", tls });
    const url = new URL(proxy.url);
    url.username = "user";
    url.password = "secret";
    await using session = openSession({ proxy: url, tls: { ca: certificate } });
    for (const server of [plain, secure]) {
      await using socket = await session.websocket(server.url);
      await socket.send("x");
      expect(await socket.receive()).toBe("x");
    }
    expect(proxy.requests.map(({ line }) => line)).toEqual([
      `CONNECT ${new URL(plain.url).host}`,
      `CONNECT ${new URL(secure.url).host}`,
    ]);
    await using refused = openSession({ proxy: proxy.url, tls: { ca: certificate }, retry: false });
    expect(await thrownBy(refused.websocket(plain.url))).toMatchObject({ code: "HTTP_PROXY", status: 407 });
  }
});

test("private hosts are refused where the session refuses them", async () => {
  await using server = await webSocketServer();
  await using session = openSession({ allowPrivateHosts: false });
  expect(await thrownBy(session.websocket(server.url))).toMatchObject({ code: "HTTP_PRIVATE_HOST" });
  expect(server.requests.length).toBe(0);
});

test("names are looked up as those of requests, and certificates are checked", async () => {
  await using server = await webSocketServer();
  await using secure = await webSocketServer(undefined, { tls: true });
  await using session = openSession({ dns: { lookup: (name) => (name === "feed.test" ? ["127.0.0.1"] : []) } });
  await using socket = await session.websocket(server.url.replace("127.0.0.1", "feed.test"));
  await socket.send("x");
  expect(await socket.receive()).toBe("x");
  expect(await thrownBy(session.websocket(secure.url))).toMatchObject({ code: "HTTP_CONNECTION", phase: "connect" });
});

test("a session that speaks HTTP/2 opens WebSockets over HTTP/1.1", async () => {
  await using server = await webSocketServer(undefined, { tls: true });
  await using session = openSession({ http2: "auto", tls: { ca: certificate } });
  await using socket = await session.websocket(server.url);
  await socket.send("x");
  expect(await socket.receive()).toBe("x");
});

test("the tree shows what a WebSocket waits for, without secrets", async () => {
  await using server = await webSocketServer((client) => client.pause());
  await using session = openSession();
  const trees: string[] = [];
  const shown = async (text: string): Promise<void> => {
    while (!drawTree(currentScope()).includes(text)) await pause(5);
    trees.push(text);
  };
  await taskGroup(async (group) => {
    const socket = await session.websocket(`${server.url}/feed?key=secret`, { maxUnsentBytes: 1 });
    group.spawn(() => socket.receive());
    await shown("/feed: waiting for a message");
    group.spawn(() => thrownBy(endlessly(() => socket.send("x".repeat(1_000_000)))));
    await shown("/feed: waiting for the server to take what was sent");
    group.spawn(() => socket.close());
    await shown("/feed: closing");
    expect(drawTree(currentScope())).not.toContain("secret");
    group.cancel();
  });
  expect(trees.length).toBe(3);
});

test("wrong arguments are found before anything is sent", async () => {
  await using session = openSession();
  const open = (options: object): Promise<unknown> => thrownBy(session.websocket("ws://localhost/", options));
  expect(await thrownBy(session.websocket("ftp://localhost/"))).toBeInstanceOf(TypeError);
  expect(await thrownBy(session.websocket(7 as never))).toBeInstanceOf(TypeError);
  for (const [options, message] of [
    [{ protocols: ["a", "a"] }, "Expected `protocols` to be a list of different subprotocols"],
    [{ protocols: ["a b"] }, "Expected `protocols`"],
    [{ maxMessageBytes: 0 }, "Expected `maxMessageBytes` to be an integer of 1 or more"],
    [{ maxUnreadBytes: 0 }, "Expected `maxUnreadBytes`"],
    [{ maxUnsentBytes: -1 }, "Expected `maxUnsentBytes`"],
    [{ heartbeatMs: 0 }, "Expected `heartbeatMs`"],
    [{ closeTimeoutMs: "1" }, "Expected `closeTimeoutMs`"],
    [{ compress: 1 }, "Expected `compress`"],
    [{ onOpen: 1 }, "Expected `onOpen`"],
    [{ reconnect: 1 }, "Expected `reconnect`"],
    [{ reconnect: { when: 1 } }, "Expected `reconnect.when`"],
    [null, "Expected `options`"],
  ] as const) {
    expect(await open(options as object)).toMatchObject({ message: expect.stringContaining(message) as string });
  }
  await using server = await webSocketServer();
  await using socket = await session.websocket(server.url);
  expect(await thrownBy(socket.send(7 as never))).toBeInstanceOf(TypeError);
  expect(await thrownBy(socket.close(1005))).toBeInstanceOf(RangeError);
  expect(await thrownBy(socket.close(1000, "x".repeat(124)))).toBeInstanceOf(RangeError);
  expect(await thrownBy(socket.close("1000" as never))).toBeInstanceOf(TypeError);
  await socket.send("still open");
  expect(await socket.receive()).toBe("still open");
});

test("whatever comes, a WebSocket ends with an error of its own, or goes on", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const frame = fc
    .tuple(fc.constantFrom(0x81, 0x82, 0x01, 0x80, 0x88, 0x89, 0x8a, 0xc1, 0xc2), fc.uint8Array({ maxLength: 20 }))
    .map(([first, payload]) => Uint8Array.from([first, payload.length, ...payload]));
  const bytes = fc.array(fc.oneof(frame, fc.uint8Array({ maxLength: 20 }))).map((parts) => Buffer.concat(parts));
  await fc.assert(
    fc.asyncProperty(bytes, fc.boolean(), async (sent, compress) => {
      const opening = session.websocket(server.origin, { maxMessageBytes: 1_000 });
      const peer = await shaken(server, compress ? "sec-websocket-extensions: permessage-deflate\r\n" : "");
      const socket = await opening;
      const reading = all(socket).catch((error: unknown) => error);
      peer.socket.end(sent);
      const end = await reading;
      expect(end instanceof WebSocketError || Array.isArray(end)).toBe(true);
      await socket.close();
      await peer.closed;
    }),
    { numRuns: 200 },
  );
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});
