import { createGzip } from "node:zlib";
import { expect, test } from "vitest";
import { thrownBy } from "../../test/core/helpers.ts";
import { type Peer, type TestServer, httpServer, rawServer } from "../../test/http-server.ts";
import { cancelScope, currentScope, drawTree, moveOnAfter, now, taskGroup, timeout } from "../core/index.ts";
import { exponential } from "../flow/index.ts";
import { cancelEverywhere, expectNoLeaks, faults, openFaultServer, withVirtualTime } from "../testing/index.ts";
import { type EventStream, type ServerSentEvent, type Session, openSession } from "./index.ts";

const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
const atOnce = { reconnect: { backoff: () => 0 } };

/** The next connection, on which the answer is a stream that begins with `text`. */
async function streaming(server: TestServer, text = ""): Promise<{ peer: Peer; request: string }> {
  const peer = await server.accept();
  const request = await peer.head();
  peer.send(head + text);
  return { peer, request };
}

async function dataOf(events: AsyncIterable<ServerSentEvent>): Promise<string[]> {
  const all: string[] = [];
  for await (const { data } of events) all.push(data);
  return all;
}

async function next(events: EventStream): Promise<string | undefined> {
  return (await events.next()).value?.data;
}

test("the events of a response come as they are sent", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const asked = session.post(server.origin, { json: "why?" });
  const { peer } = await streaming(server);
  const events = (await asked).sse();
  const first = events.next();
  peer.send("event: token\nid: 7\ndata: be");
  peer.send("cause\n");
  peer.send("\n");
  expect(await first).toEqual({ done: false, value: { type: "token", data: "because", id: "7" } });
  peer.send("data: a\n\ndata: b\n\ndata: unfinished\n");
  peer.socket.end();
  expect(await dataOf(events)).toEqual(["a", "b"]);
  expect(session.statistics().active).toBe(0);
});

test("leaving the events of a response closes its connection", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const asked = session.get(server.origin);
  const { peer } = await streaming(server, "data: a\n\ndata: b\n\n");
  for await (const { data } of (await asked).sse()) {
    expect(data).toBe("a");
    break;
  }
  await peer.closed;
  expect(session.statistics()).toMatchObject({ active: 0, connections: 0 });
});

test("an event that is too long is an error, after those before it", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const seen: string[] = [];
  const read = async (events: AsyncIterable<ServerSentEvent>): Promise<void> => {
    for await (const { data } of events) seen.push(data);
  };
  const asked = session.get(server.origin);
  const { peer } = await streaming(server, `data: a\n\ndata: ${"x".repeat(100)}`);
  expect(await thrownBy(read((await asked).sse({ maxEventBytes: 100 })))).toMatchObject({
    code: "HTTP_BODY_TOO_LARGE",
    maxBytes: 100,
  });
  await peer.closed;
  const reading = thrownBy(read(session.events(server.origin, { maxEventBytes: 10 })));
  const second = await streaming(server, `data: b\n\n: ${"x".repeat(10)}\n`);
  expect(await reading).toMatchObject({ code: "HTTP_BODY_TOO_LARGE" });
  await second.peer.closed;
  expect(seen).toEqual(["a", "b"]);
});

test("a stream that breaks off is opened again after the last event that came", async () => {
  await using server = await openFaultServer([
    faults.events([{ data: "1", id: "a" }, { data: "2", id: "b" }, "data: half"], { end: "reset" }),
    faults.events([{ data: "3" }, "id: c\n\n"], { end: "close" }),
    faults.events([{ data: "4" }]),
    faults.status(204),
  ]);
  await using session = openSession();
  expect(await dataOf(session.events(server.url, { ...atOnce, lastEventId: "start" }))).toEqual(["1", "2", "3", "4"]);
  const headers = server.requests.map((request) => request.headers);
  expect(headers.map((one) => one["last-event-id"])).toEqual(["start", "b", "c", "c"]);
  expect(headers[0]).toMatchObject({ accept: "text/event-stream", "cache-control": "no-store" });
});

test("a stream that leads to another host goes on there after the last event that came", async () => {
  await using second = await openFaultServer([
    faults.events([{ data: "1", id: "a" }], { end: "close" }),
    faults.events([{ data: "2" }]),
    faults.status(204),
  ]);
  await using first = await openFaultServer(faults.redirect(second.url, { status: 307 }));
  await using session = openSession();
  expect(await dataOf(session.events(first.url, atOnce))).toEqual(["1", "2"]);
  expect(second.requests.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "a", "a"]);
});

test("ids go back as the bytes that came, and those that no header can hold do not", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const events = session.events(server.origin, atOnce);
  const first = next(events);
  const one = await streaming(server, "id: ä🙂\ndata: 1\n\n");
  expect(await first).toBe("1");
  one.peer.socket.end();
  const second = next(events);
  const two = await streaming(server, "id: \x01\ndata: 2\n\n");
  expect(Buffer.from(two.request, "latin1").toString()).toContain("\r\nlast-event-id: ä🙂\r\n");
  expect(await second).toBe("2");
  two.peer.socket.end();
  const third = next(events);
  const three = await streaming(server, "data: 3\n\n");
  expect(three.request).not.toContain("last-event-id");
  expect(await third).toBe("3");
  events[Symbol.dispose]();
});

test("headers of the caller stay, and a body is sent with each connection", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const events = session.events(server.origin, {
    ...atOnce,
    method: "post",
    headers: { accept: "application/json, text/event-stream", "cache-control": "max-age=0" },
    json: { topic: 1 },
  });
  for (const data of ["1", "2"]) {
    const reading = next(events);
    const { peer, request } = await streaming(server, `data: ${data}\n\n`);
    expect(request).toContain("POST / HTTP/1.1\r\n");
    expect(request).toContain("\r\naccept: application/json, text/event-stream\r\n");
    expect(request).toContain("\r\ncache-control: max-age=0\r\n");
    expect(await peer.take("}")).toBe('{"topic":1}');
    expect(await reading).toBe(data);
    peer.socket.end();
  }
  await events.return();
});

test("a stream by POST ends with its answer, unless it is to be opened again", async () => {
  await using server = await openFaultServer(faults.events([{ data: "1" }]));
  await using session = openSession();
  expect(await dataOf(session.events(server.url, { method: "POST" }))).toEqual(["1"]);
  expect(await dataOf(session.events(server.url, { reconnect: false }))).toEqual(["1"]);
  expect(server.requests.length).toBe(2);
  const body = (async function* () {})();
  expect(() => session.events(server.url, { method: "POST", body, reconnect: true })).toThrow(
    "Expected `body` to be text or bytes",
  );
});

test("the wait before the next connection is what the server asked for, and a backoff that grows while nothing comes", async () => {
  await withVirtualTime(async () => {
    await using server = await openFaultServer([
      faults.events([{ data: "1", retryMs: 3_000 }]),
      faults.status(500),
      faults.events([]),
      faults.events([{ data: "2" }]),
      faults.busy({ status: 503, retryAfter: 60 }),
      faults.status(204),
    ]);
    await using session = openSession();
    const reconnect = { backoff: exponential({ baseMs: 100, jitter: "none" }) };
    const events = session.events(server.url, { reconnect });
    expect(await next(events)).toBe("1");
    const startedMs = now();
    expect(await next(events)).toBe("2");
    expect(Math.round(now() - startedMs)).toBe(3 * 3_000 + 100 + 200 + 400);
    const restartedMs = now();
    expect(await next(events)).toBe(undefined);
    expect(Math.round((now() - restartedMs) / 1_000)).toBe(63);
  });
});

test("a Retry-After of other statuses is waited for too", async () => {
  await withVirtualTime(async () => {
    await using server = await openFaultServer([
      faults.events([{ data: "1" }]),
      faults.status(500, "", { headers: { "retry-after": "30" } }),
      faults.status(204),
    ]);
    await using session = openSession();
    const startedMs = now();
    expect(await dataOf(session.events(server.url, atOnce))).toEqual(["1"]);
    expect(Math.round((now() - startedMs) / 1_000)).toBe(30);
  });
});

test("what is no stream of events is an error", async () => {
  await using server = await openFaultServer({
    "/gone": faults.status(404),
    "/page": faults.ok("<html>", { headers: { "content-type": "text/html" } }),
    "/later": [faults.events([{ data: "1" }]), faults.status(401)],
    "/upper": [
      faults.ok("data: 1\n\n", { headers: { "content-type": "Text/Event-Stream;charset=utf-8" } }),
      faults.status(204),
    ],
  });
  await using session = openSession({ baseUrl: server.url });
  expect(await thrownBy(session.events("gone").next())).toMatchObject({ code: "HTTP_EVENT_STREAM", status: 404 });
  expect(await thrownBy(session.events("page").next())).toMatchObject({
    message: `GET ${server.url}/page: the answer is no event stream (status 200, text/html)`,
    contentType: "text/html",
  });
  expect(await thrownBy(dataOf(session.events("later", atOnce)))).toMatchObject({ status: 401 });
  expect(await dataOf(session.events("upper", atOnce))).toEqual(["1"]);
});

test("what cannot be opened once is an error, and tried again as the session says", async () => {
  await using server = await openFaultServer(faults.status(500));
  await using session = openSession({ retry: { attempts: 2, backoff: () => 0 } });
  const events = session.events(server.url);
  expect(await thrownBy(events.next())).toMatchObject({ code: "HTTP_EVENT_STREAM", status: 500 });
  expect(server.requests.length).toBe(2);
  expect(await events.next()).toEqual({ done: true, value: undefined });
});

test("attempts in a row that bring nothing have an end, and the last error is thrown", async () => {
  const reconnect = { attempts: 2, backoff: () => 0 };
  await using server = await openFaultServer({
    "/fails": [
      faults.events([{ data: "1" }]),
      faults.status(500),
      faults.events([{ data: "2" }], { end: "close" }),
      faults.reset(),
    ],
    "/ends": [faults.events([{ data: "1" }]), faults.events([])],
  });
  await using session = openSession({ baseUrl: server.url });
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const { data } of session.events("fails", { reconnect })) seen.push(data);
  };
  expect(await thrownBy(read())).toMatchObject({ code: "HTTP_CONNECTION" });
  expect(seen).toEqual(["1", "2"]);
  expect(server.requests.length).toBe(5);
  expect(await dataOf(session.events("ends", { reconnect }))).toEqual(["1"]);
  expect(server.requests.length).toBe(8);
});

test("a connection that says nothing is given up for another", async () => {
  await using server = await openFaultServer([
    faults.events([{ data: "1", id: "1" }], { end: "hang" }),
    faults.events([{ data: "2" }], { end: "hang" }),
  ]);
  await using session = openSession();
  const events = session.events(server.url, { ...atOnce, idleMs: 100 });
  expect(await next(events)).toBe("1");
  expect(await next(events)).toBe("2");
  expect(server.requests[1]!.headers["last-event-id"]).toBe("1");
  await events.return();
});

test("comments keep a connection up, for longer than it may be silent, and than requests may last", async () => {
  await using server = await rawServer();
  await using session = openSession({ timeout: 300 });
  const events = session.events(server.origin, { reconnect: false, idleMs: 1_500 });
  const reading = next(events);
  const { peer } = await streaming(server);
  const beat = setInterval(() => peer.send(":\n"), 50);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  clearInterval(beat);
  peer.send("data: 1\n\n");
  expect(await reading).toBe("1");
  await events.return();
});

test("a reader who takes his time makes the server wait, and loses nothing", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const events = session.events(server.origin);
  const first = next(events);
  const { peer } = await streaming(server);
  let sent = 0;
  const send = (): void => {
    while (sent < 30_000 && peer.socket.write(`data: ${sent++} ${"x".repeat(1_000)}\n\n`));
  };
  peer.socket.on("drain", send);
  send();
  expect(await first).toMatch(/^0 /);
  // The buffers of the system take some, and then it stands still.
  for (let before = -1; before !== sent;) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(sent).toBeLessThan(30_000);
  for (let expected = 1; expected < 30_000; expected++) {
    const { value } = await events.next();
    if (value?.data.startsWith(`${expected} `) !== true) throw new Error(`${expected} is missing`);
  }
  await events.return();
});

test("leaving closes the connection at once, whatever the stream is doing", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const idle = session.events(server.origin);
  expect(await idle.return()).toEqual({ done: true, value: undefined });
  expect(await idle.next()).toEqual({ done: true, value: undefined });

  const connecting = session.events(server.origin);
  const first = connecting.next();
  const unanswered = await server.accept();
  await unanswered.head();
  connecting[Symbol.dispose]();
  expect(await first).toEqual({ done: true, value: undefined });
  await unanswered.closed;

  const reading = session.events(server.origin);
  const second = reading.next();
  const { peer } = await streaming(server);
  await new Promise((resolve) => setTimeout(resolve, 20));
  void reading.return();
  expect(await second).toEqual({ done: true, value: undefined });
  await peer.closed;
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("deadlines and cancellation close the connection, and nothing more can be read", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const events = session.events(server.origin);
  const read = timeout(150, () => dataOf(events));
  const { peer } = await streaming(server, "data: 1\n\n");
  expect(await thrownBy(read)).toMatchObject({ code: "TIMEOUT" });
  await peer.closed;
  expect(await events.next()).toEqual({ done: true, value: undefined });

  const waiting = session.events(server.origin, { reconnect: { backoff: () => 60_000 } });
  const lost = moveOnAfter(150, () => dataOf(waiting));
  (await streaming(server)).peer.socket.end();
  expect(await lost).toBe(undefined);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("an open stream outlives the scope that asked for its first event, and not the session", async () => {
  await using server = await rawServer();
  const session = openSession();
  const events = session.events(server.origin);
  const first = timeout(10_000, () => next(events));
  const { peer } = await streaming(server, "data: 1\n\n");
  expect(await first).toBe("1");
  const second = next(events);
  peer.send("data: 2\n\n");
  expect(await second).toBe("2");
  const third = thrownBy(events.next());
  await session[Symbol.asyncDispose]();
  expect(await third).toMatchObject({ code: "HTTP_SESSION_CLOSED" });
});

test("the tree shows what a stream waits for", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const trees: string[] = [];
  const shown = async (text: string): Promise<void> => {
    while (!drawTree(currentScope()).includes(text)) await new Promise((resolve) => setTimeout(resolve, 5));
    trees.push(drawTree(currentScope()));
  };
  await taskGroup(async (group) => {
    const events = session.events(`${server.origin}/feed?key=secret`, { reconnect: { backoff: () => 60_000 } });
    group.spawn(() => dataOf(events), { name: "reader" });
    const { peer } = await streaming(server, "data: 1\n\n");
    await shown("/feed: reading the body");
    peer.socket.end();
    await shown("/feed: to be opened again in");
    group.cancel();
  });
  expect(trees[1]).toMatch(/\/feed: to be opened again in [\d.]+ (s|min) \(it ended\)/);
  expect(trees.join()).not.toContain("secret");
  expect(session.statistics().active).toBe(0);
});

test("two tasks cannot read the same events", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const events = session.events(server.origin);
  const first = next(events);
  expect(await thrownBy(events.next())).toBeInstanceOf(TypeError);
  await streaming(server, "data: 1\n\n");
  expect(await first).toBe("1");
  await events.return();
});

test("wrong options are found before anything is sent", async () => {
  await using session = openSession();
  const open = (options: object) => (): unknown => session.events("http://localhost/", options);
  expect(() => session.events("no url")).toThrow(TypeError);
  expect(open({ idleMs: 0 })).toThrow("Expected `idleMs` to be a number of milliseconds above 0");
  expect(open({ maxEventBytes: -1 })).toThrow(RangeError);
  expect(open({ lastEventId: 7 })).toThrow("Expected `lastEventId` to be a string, got `7` (number)");
  expect(open({ reconnect: 3 })).toThrow("Expected `reconnect` to be an object or a boolean");
  expect(open({ reconnect: { attempts: 0 } })).toThrow("`reconnect.attempts`");
  expect(open({ reconnect: { backoff: 3 } })).toThrow("`reconnect.backoff`");
  expect(open({ method: "CONNECT" })).toThrow(TypeError);
});

test("cancelled at any point, a stream leaves nothing behind", async () => {
  let session: Session;
  const sweep = await cancelEverywhere(
    async () => {
      await using server = await openFaultServer([
        faults.events([{ data: "1", id: "1", retryMs: 10 }]),
        faults.busy({ status: 503, retryAfter: 1 }),
        faults.events([{ data: "2" }, { data: "3" }], { end: "reset" }),
        faults.events([{ data: "4" }], { end: "hang" }),
      ]);
      await using opened = openSession();
      session = opened;
      for await (const { data } of opened.events(server.url)) if (data === "4") break;
    },
    { check: () => expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 }) },
  );
  expect(sweep.checkpoints).toBeGreaterThan(5);
});

test("a stream that was read or cancelled leaves nothing behind", async () => {
  await using server = await openFaultServer(faults.events([{ data: "1" }], { end: "hang" }));
  const read = async (isEnough: () => boolean): Promise<number> => {
    await using session = openSession();
    for await (const { data } of session.events(server.url)) {
      if (data === "1" && isEnough()) break;
    }
    return session.statistics().connections;
  };
  expect(await expectNoLeaks(() => read(() => true))).toBe(0);
  const cancelled = (): Promise<unknown> =>
    cancelScope((scope) =>
      read(() => {
        scope.cancel();
        return false;
      }),
    );
  expect(await expectNoLeaks(cancelled)).toBe(undefined);
});

test("a session that is closed ends the waits for the next connection", async () => {
  await using server = await rawServer();
  const session = openSession({ cache: true });
  const events = session.events(server.origin, { reconnect: { backoff: () => 60_000 } });
  const reading = thrownBy(events.next());
  const { peer } = await streaming(server);
  peer.socket.end();
  while (session.statistics().active > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await session[Symbol.asyncDispose]();
  expect(await reading).toMatchObject({ code: "HTTP_SESSION_CLOSED" });
});

test("compressed events come as soon as the server has flushed them", async () => {
  await using server = await httpServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" });
    const gzip = createGzip();
    gzip.pipe(response);
    const send = (data: string): void => {
      gzip.write(`data: ${data}\n\n`);
      gzip.flush();
    };
    sends.push(send);
    send("1");
  });
  const sends: ((data: string) => void)[] = [];
  await using session = openSession();
  const events = session.events(server.origin);
  expect(await next(events)).toBe("1");
  sends[0]!("2");
  expect(await next(events)).toBe("2");
  await events.return();
});
