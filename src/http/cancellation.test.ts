import { expect, test } from "vitest";
import { thrownBy } from "../../test/core/helpers.ts";
import { type Peer, type TestServer, httpServer, rawServer } from "../../test/http-server.ts";
import { type Scope, cancelScope, currentScope, run, sleep, taskGroup, timeout } from "../core/index.ts";
import { CircuitBreaker, Event, Semaphore } from "../sync/index.ts";
import { type HttpResponse, type Session, fetchWhole, openSession } from "./index.ts";

/** Runs `fn` in a scope of its own, and cancels the scope when `ready` has been. Returns what went on in it. */
async function cancelledWhen(ready: (scope: Scope) => Promise<unknown>, fn: () => Promise<unknown>): Promise<string> {
  let outcome = "did not run";
  await cancelScope(async (scope) => {
    const arrived = ready(scope).then(() => scope.cancel());
    try {
      await fn();
      outcome = "finished";
    } catch (error) {
      outcome = (error as Error).name;
      throw error;
    } finally {
      await arrived;
    }
  });
  return outcome;
}

test("a request in a cancelled scope never reaches the wire", async () => {
  await using server = await rawServer();
  await using session = openSession();
  await cancelScope(async (scope) => {
    scope.cancel();
    await expect(session.get(server.origin)).rejects.toMatchObject({ name: "AbortError" });
    await expect(fetchWhole(session, session.orders.make("GET", server.origin, undefined), true)).rejects.toThrow(
      "cancelled",
    );
    await session.get(server.origin);
  });
  expect(server.peers.length).toBe(0);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a request cancelled in line never reaches the wire", async () => {
  await using server = await rawServer();
  await using session = openSession({ limit: 1 });
  const first = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  const outcome = await cancelledWhen(
    () => Promise.resolve(),
    () => session.get(server.url("/never")),
  );
  expect(outcome).toBe("AbortError");
  expect(session.statistics()).toMatchObject({ active: 1, waiting: 0 });
  peer.respond("x");
  await (await first).text();
  expect(peer.received).toBe("");
});

test("what is cancelled or left unread says nothing to the limiter, and what fails does", async () => {
  await using server = await rawServer();
  const limiter = new CircuitBreaker({ failureThreshold: 1, resetMs: 60_000 });
  await using session = openSession({ limiter, retry: false });
  const request = (): Promise<HttpResponse> => session.get(server.origin);
  expect(await cancelledWhen(() => server.accept().then((peer) => peer.head()), request)).toBe("AbortError");
  expect(limiter.statistics()).toMatchObject({ state: "closed", inUse: 0 });
  const unread = request();
  const peer = await server.accept();
  await peer.head();
  peer.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\na");
  {
    using response = await unread;
    expect(response.status).toBe(200);
  }
  expect(limiter.statistics()).toMatchObject({ state: "closed", inUse: 0 });
  const failing = thrownBy(request());
  const last = await server.accept();
  await last.head();
  last.socket.destroy();
  expect(await failing).toMatchObject({ code: "HTTP_CONNECTION" });

  expect(limiter.statistics()).toMatchObject({ state: "open", inUse: 0 });
});

test("a request cancelled while it waits for a limiter leaves it", async () => {
  await using server = await rawServer();
  const limiter = new Semaphore(1);
  await limiter.acquire();
  await using session = openSession({ limiter });
  const outcome = await cancelledWhen(
    () => Promise.resolve(),
    () => session.get(server.origin),
  );
  expect(outcome).toBe("AbortError");
  expect(limiter.statistics()).toMatchObject({ inUse: 1, waiting: 0 });
  expect(server.peers.length).toBe(0);
});

test("cancelled while connecting, the connection attempt ends", async () => {
  // A peer that never shakes hands: to TLS, that is still connecting.
  await using server = await rawServer();
  await using session = openSession();
  const url = server.origin.replace("http:", "https:");
  let peer: Peer | undefined;
  const outcome = await cancelledWhen(
    async () => {
      peer = await server.accept();
      await peer.take("\x16\x03\x01");
    },
    () => session.get(url),
  );
  expect(outcome).toBe("AbortError");
  await peer!.closed;
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("cancelled while waiting for the headers, the connection is closed", async () => {
  await using server = await rawServer();
  await using session = openSession();
  let peer: Peer | undefined;
  const outcome = await cancelledWhen(
    async () => {
      peer = await server.accept();
      await peer.head();
    },
    () => session.get(server.origin),
  );
  expect(outcome).toBe("AbortError");
  await peer!.closed;
});

/** Opens a response of which a part of the body has come. */
async function openResponse(server: TestServer, session: Session): Promise<[HttpResponse, Peer]> {
  const pending = session.get(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\npart");
  return [await pending, peer];
}

test.each<[string, (response: HttpResponse) => Promise<unknown>]>([
  ["bytes()", (response) => response.bytes()],
  ["text()", (response) => response.text()],
  ["json()", (response) => response.json()],
  ["body", async (response) => await Array.fromAsync(response.body)],
  ["lines()", async (response) => await Array.fromAsync(response.lines())],
  ["discard()", (response) => response.discard()],
  ["something else", () => sleep(Infinity)],
])("cancelled in %s, the connection is closed", async (_name, read) => {
  await using server = await rawServer();
  await using session = openSession();
  const opened = new Event();
  let peer: Peer | undefined;
  const outcome = await cancelledWhen(
    () => opened.wait().then(() => sleep(0)),
    async () => {
      const [response, itsPeer] = await openResponse(server, session);
      peer = itsPeer;
      opened.set();
      await read(response);
    },
  );
  expect(outcome).toBe("AbortError");
  await peer!.closed;
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("cancelled while sending the body, the connection is closed and the source cleans up", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const events: string[] = [];
  async function* body() {
    try {
      yield "first";
      await sleep(Infinity);
    } catch (error) {
      events.push((error as Error).name);
      throw error;
    } finally {
      events.push("cleaned up");
    }
  }
  let peer: Peer | undefined;
  const outcome = await cancelledWhen(
    async () => {
      peer = await server.accept();
      await peer.take("first");
    },
    () => session.post(server.origin, { body: body() }),
  );
  expect(outcome).toBe("AbortError");
  await peer!.closed;
  expect(events).toEqual(["AbortError", "cleaned up"]);
});

test("cancelled while the server does not take the body, the connection is closed and the source cleans up", async () => {
  await using server = await rawServer();
  await using session = openSession();
  let [pieces, isCleanedUp] = [0, false];
  async function* body() {
    try {
      for (;;) {
        pieces++;
        yield new Uint8Array(64 * 1024);
      }
    } finally {
      isCleanedUp = true;
    }
  }
  let peer: Peer | undefined;
  const outcome = await cancelledWhen(
    async () => {
      peer = await server.accept();
      peer.socket.pause();
      // It comes to a stop once the buffers of both sides are full.
      for (let before = -1; before !== pieces; await new Promise((resolve) => setTimeout(resolve, 20))) before = pieces;
    },
    () => session.post(server.origin, { body: body() }),
  );
  expect(outcome).toBe("AbortError");
  expect(isCleanedUp).toBe(true);
  peer!.socket.resume();
  await peer!.closed;
});

test("a slot that a cancelled request had goes to the next in line", async () => {
  await using server = await rawServer();
  await using session = openSession({ limit: 1 });
  const cancelled = Promise.withResolvers<void>();
  const first = cancelledWhen(
    () => cancelled.promise,
    () => session.get(server.origin),
  );
  const next = session.get(server.url("/next"));
  await (await server.accept()).head();
  cancelled.resolve();
  expect(await first).toBe("AbortError");
  const peer = await server.accept();
  expect(await peer.head()).toContain("GET /next");
  peer.respond("x");
  expect(await (await next).text()).toBe("x");
});

test("a failing task cancels the requests of its siblings on the wire", async () => {
  await using server = await rawServer();
  await using session = openSession();
  const failure = new Error("no");
  const work = taskGroup(async (group) => {
    for (let i = 0; i < 10; i++) group.spawn(() => session.get(server.origin));
    for (let i = 0; i < 10; i++) await (await server.accept()).head();
    throw failure;
  });
  await expect(work).rejects.toBe(failure);
  await Promise.all(server.peers.map((peer) => peer.closed));
});

test("a timeout around a request cuts it off", async () => {
  await using server = await rawServer();
  await using session = openSession();
  await expect(timeout(20, () => session.get(server.origin))).rejects.toMatchObject({ code: "TIMEOUT" });
  await Promise.all(server.peers.map((peer) => peer.closed));
});

test("waits are labelled with method, host and path, and never with the query", async () => {
  await using server = await rawServer();
  await using session = openSession({ limit: 1 });
  const { host } = new URL(server.origin);
  await cancelScope(async (scope) => {
    const node = currentScope();
    const labels = () => {
      const all: string[] = [];
      for (let wait = node.firstWaiter; wait !== null; wait = wait.nextInScope) all.push(wait.describe());
      return all;
    };
    const pending = session.get(server.url("/users?token=secret"));
    const inLine = session.get(server.url("/next"));
    expect(labels()).toEqual([
      `GET ${host}/next: waiting for a slot (1 of 1 in use, 1 for this host)`,
      `GET ${host}/users: connecting`,
    ]);
    const peer = await server.accept();
    await peer.head();
    expect(labels()[1]).toBe(`GET ${host}/users: waiting for the response`);
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    const response = await pending;
    expect(labels()).toEqual([
      `GET ${host}/users: its response is open`,
      `GET ${host}/next: waiting for a slot (1 of 1 in use, 1 for this host; 1 held by responses that nobody reads)`,
    ]);
    const text = response.text();
    expect(labels()[0]).toBe(`GET ${host}/users: reading the body`);
    scope.cancel();
    await Promise.allSettled([text, inLine]);
  });
});

test("a request that nobody awaits ends with its scope", async () => {
  await using server = await rawServer();
  await using session = openSession();
  let floating: Promise<unknown> | undefined;
  await run(
    async () => {
      floating = session.get(server.origin);
      floating.catch(() => {});
      await (await server.accept()).head();
    },
    { signals: false },
  );
  await expect(floating).rejects.toMatchObject({ code: "SCOPE_CLOSED" });
  await server.peers[0]!.closed;
});

test("a kept connection does not hold the scope that opened it", async () => {
  await using server = await httpServer((_request, response) => void response.end("x"));
  await using session = openSession();
  const seen = await (async () => {
    let ref: WeakRef<Scope> | undefined;
    await cancelScope(async (scope) => {
      ref = new WeakRef(scope);
      for (let i = 0; i < 3; i++) await (await session.get(server.origin)).text();
    });
    return ref!;
  })();
  for (let i = 0; i < 10 && seen.deref() !== undefined; i++) {
    await cancelScope(() => sleep(0)); // The core remembers the scope entered last.
    gc!();
  }
  expect(session.statistics().connections).toBe(1);
  expect(seen.deref() === undefined).toBe(true);
});
