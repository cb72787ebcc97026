import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { rawAnswer, rawClient } from "../../test/raw-client.ts";
import { cancelScope, drawTree, now, shield, sleep, taskGroup, timeout } from "../core/index.ts";
import { currentScope } from "../core/current.ts";
import {
  type Fault,
  type FaultScript,
  type FaultServerStatistics,
  cancelEverywhere,
  expectNoLeaks,
  explore,
  faults,
  openFaultServer,
  withVirtualTime,
} from "./index.ts";

const bodyOf = async (url: string, target: string): Promise<string> => {
  return (await rawAnswer(url, target)).received.split("\r\n\r\n")[1]!;
};

function failOnRequest({ requests }: FaultServerStatistics): boolean {
  if (requests > 0) throw new Error("bad question");
  return false;
}

describe("a script", () => {
  test("may be left out: everything is answered with 200", async () => {
    await using server = await openFaultServer();

    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await rawAnswer(server.url, "/anything")).received).toBe("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  });

  test("may be a table: a target with its query, a path, all others", async () => {
    await using server = await openFaultServer({
      "/a": faults.ok("path"),
      "/a?b=1": faults.ok("target"),
      "*": faults.ok("other"),
    });

    expect(await bodyOf(server.url, "/a?b=1")).toBe("target");
    expect(await bodyOf(server.url, "/a?b=2")).toBe("path");
    expect(await bodyOf(server.url, "/b")).toBe("other");
  });

  test("answers with 404 what it says nothing of", async () => {
    await using server = await openFaultServer({ "/a": faults.ok() });

    expect((await rawAnswer(server.url, "/b")).received).toContain("404 Not Found");
    expect(server.requests[0]).toMatchObject({ fault: "not found", state: "played" });
  });

  test("may be a list for each path, of which the last stays", async () => {
    await using server = await openFaultServer({
      "/a": [faults.ok("1"), faults.ok("2")],
      "/b": [faults.ok("one"), faults.ok("two")],
    });
    const bodies: string[] = [];
    for (const target of ["/a", "/b", "/a?again", "/a", "/b"]) bodies.push(await bodyOf(server.url, target));

    expect(bodies).toEqual(["1", "one", "2", "2", "two"]);
  });

  test("may be a function that takes its time, and knows the request", async () => {
    const gate = Promise.withResolvers<Fault>();
    await using server = await openFaultServer(({ target }) => {
      return target === "/wait" ? gate.promise : faults.ok(target);
    });
    using waiting = rawClient(server.url).get("/wait");
    expect(await bodyOf(server.url, "/go")).toBe("/go");
    expect(server.requests.map(({ state }) => state)).toEqual(["open", "played"]);
    gate.resolve(faults.ok("at last"));

    expect(await waiting.take("at last")).toContain("200 OK");
  });

  test.for<readonly [what: string, script: unknown, message: string]>([
    ["nothing", null, "Expected `script` to be a fault"],
    ["a number", 5, "Expected `script` to be a fault"],
    [
      "a name of no path",
      { a: faults.ok() },
      'Expected the keys of `script` to be paths, or "*" for all others, got "a"',
    ],
    ["a path with no fault", { "/a": 200 }, "Expected `/a` to be a fault, such as faults.ok(), got `200` (number)"],
    ["an empty list", [], "Expected `script` to have a fault in its list, got none"],
    ["a list with something else", [faults.ok(), "reset"], "got `reset` (string)"],
  ])("is refused if it is %s", async ([, script, message]) => {
    await expect(openFaultServer(script as FaultScript)).rejects.toThrow(message);
    await expect(openFaultServer(script as FaultScript)).rejects.toThrow(TypeError);
  });

  test.for<readonly [what: string, script: FaultScript, message: string]>([
    ["throws", () => void JSON.parse("{") as never, "JSON"],
    ["returns no fault", () => "ok" as never, "Expected `what the script returns` to be a fault"],
    ["has a fault that throws", { name: "bad", play: () => Promise.reject(new Error("bad fault")) }, "bad fault"],
    ["has a fault with a wrong setting", { ...faults.ok(), reads: "later" as "first" }, 'got "later"'],
  ])("that %s resets the connection, and disposal throws what it threw", async ([, script, message]) => {
    const server = await openFaultServer(script);

    expect((await rawAnswer(server.url)).end).toBe("ECONNRESET");
    await expect(server[Symbol.asyncDispose]()).rejects.toThrow(message);
  });

  test("may write a fault by hand", async () => {
    const dots: Fault = {
      name: "dots",
      async play(wire) {
        await wire.head({ framing: "close", headers: { "x-asked": wire.request.target } });
        for (let i = 0; i < 3; i++) {
          await sleep(1);
          await wire.body(".");
        }
        await wire.finish();
      },
    };
    await using server = await openFaultServer(dots);

    expect(await rawAnswer(server.url, "/a")).toEqual({
      received: "HTTP/1.1 200 OK\r\nx-asked: /a\r\n\r\n...",
      end: "FIN",
    });
  });

  test("cannot send on after its fault has ended the connection: there the fault is over", async () => {
    const sent: string[] = [];
    await using server = await openFaultServer({
      name: "too much",
      async play(wire) {
        await wire.end("close");
        await wire.raw("more");
        sent.push("more");
      },
    });

    expect(await rawAnswer(server.url)).toEqual({ received: "", end: "FIN" });
    expect(server.requests[0]!.state).toBe("played");
    expect(sent).toEqual([]);
  });
});

describe("what was seen", () => {
  test("of a request is all that came with it, and where it stood among others", async () => {
    await using server = await openFaultServer(faults.ok("x"));
    using client = rawClient(server.url);
    const beforeMs = now();
    await client.send("PUT /a?b=1 HTTP/1.1\r\nHost: test\r\nX-A: 1\r\nx-a:2\r\nContent-Length: 2\r\n\r\nhi").take("x");
    await client.get("/a?b=1").take("x");
    await client.get("/a?b=1").take("x");

    expect(server.requests[0]).toMatchObject({
      number: 1,
      connection: 1,
      numberOnConnection: 1,
      times: 1,
      version: "1.1",
      method: "PUT",
      target: "/a?b=1",
      path: "/a",
      query: "b=1",
      url: "http://test/a?b=1",
      headers: { host: "test", "x-a": "1, 2", "content-length": "2" },
      rawHeaders: [
        ["Host", "test"],
        ["X-A", "1"],
        ["x-a", "2"],
        ["Content-Length", "2"],
      ],
      bodyBytes: 2,
      isComplete: true,
      state: "played",
      fault: "ok",
    });
    expect(Buffer.from(server.requests[0]!.body).toString()).toBe("hi");
    expect(server.requests[0]!.atMs).toBeGreaterThanOrEqual(beforeMs);
    expect(server.requests[0]!.endedAtMs).toBeLessThanOrEqual(now());
    expect(server.requests[2]).toMatchObject({ number: 3, connection: 1, numberOnConnection: 3, times: 2 });
    expect(server.statistics()).toEqual({
      requests: 3,
      repeated: 1,
      inFlight: 0,
      mostInFlight: 1,
      cut: 0,
      connections: 1,
      openConnections: 1,
      mostOpenConnections: 1,
      closedByClient: 0,
    });
  });

  test("is how many were in flight at once", async () => {
    const gate = Promise.withResolvers<Fault>();
    await using server = await openFaultServer(() => gate.promise);
    const clients = Array.from({ length: 5 }, () => rawClient(server.url).get());
    await server.until(({ inFlight }) => inFlight === 5);
    gate.resolve(faults.ok("x"));
    for (const client of clients) await client.take("x");
    for (const client of clients) client.socket.destroy();
    await server.until(({ openConnections }) => openConnections === 0);

    expect(server.statistics()).toMatchObject({
      inFlight: 0,
      mostInFlight: 5,
      connections: 5,
      mostOpenConnections: 5,
      closedByClient: 5,
    });
  });

  test("is who ended a connection, and how", async () => {
    await using server = await openFaultServer({ "*": faults.hang(), "/close": faults.close() });
    using ended = rawClient(server.url).get();
    using destroyed = rawClient(server.url).get();
    using reset = rawClient(server.url).get();
    await server.until(({ inFlight }) => inFlight === 3);
    ended.socket.end();
    destroyed.socket.destroy();
    reset.socket.resetAndDestroy();
    await server.until(({ openConnections }) => openConnections === 0);
    await rawAnswer(server.url, "/close");

    expect(server.connections.map(({ end }) => end)).toEqual([
      "client-closed",
      "client-closed",
      "client-reset",
      "server-closed",
    ]);
    expect(server.statistics()).toMatchObject({ closedByClient: 3, cut: 3 });
    expect(server.connections[0]!.closedAtMs).toBeGreaterThanOrEqual(server.connections[0]!.openedAtMs);
  });

  test("is a request whose body never came to its end", async () => {
    await using server = await openFaultServer();
    using client = rawClient(server.url);
    client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhalf");
    await server.until(() => server.requests[0]?.bodyBytes === 4);
    client.socket.destroy();
    await server.until(({ openConnections }) => openConnections === 0);

    expect(server.requests[0]).toMatchObject({ state: "cut", isComplete: false, bodyBytes: 4 });
  });

  test.for([
    ['a request that begins with "HELLO"', "HELLO\r\n\r\n"],
    ['a header that says "bad header"', "GET / HTTP/1.1\r\nbad header\r\n\r\n"],
    ["Content-Length: 5, 5", "POST / HTTP/1.1\r\ncontent-length: 5, 5\r\n\r\n"],
    ["Transfer-Encoding: gzip", "POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n"],
    [
      "both Transfer-Encoding and Content-Length",
      "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
    ["a chunk without its size", "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nfive\r\n"],
    ["a chunk that is longer than its size", "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n"],
    ["lines of more than 1048576 bytes", `GET /${"a".repeat(1_100_000)}`],
    ["lines of more than 16384 bytes", `POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;${"a".repeat(20_000)}`],
  ] as const)("is what of a client's HTTP was wrong: %s", async ([problem, sent]) => {
    await using server = await openFaultServer();
    using client = rawClient(server.url).send(sent);

    expect(await client.all()).toEqual({
      received: "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
      end: "FIN",
    });
    expect(server.connections[0]!.problem).toBe(problem);
    expect(server.statistics().inFlight).toBe(0);
  });
});

describe("connections", () => {
  test("serve one request after the other, also those sent ahead", async () => {
    await using server = await openFaultServer(({ target }) =>
      faults.delayed(target === "/1" ? 10 : 0, faults.ok(target)),
    );
    using client = rawClient(server.url);
    client.send("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n");
    const received = await client.take("/3");

    expect(received.match(/\/\d$|\/\d(?=HTTP)/g)).toEqual(["/1", "/2", "/3"]);
    expect(server.statistics().mostInFlight).toBe(1);
  });

  test("of clients of HTTP/1.0 end after the answer, unless they are to be kept", async () => {
    await using server = await openFaultServer(faults.ok("x"));
    using plain = rawClient(server.url).send("GET / HTTP/1.0\r\n\r\n");
    using kept = rawClient(server.url).send("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    await kept.take("x");

    expect((await plain.all()).end).toBe("FIN");
    expect(await kept.get().take("x")).toContain("200 OK");
  });

  test("may bring their requests byte by byte", async () => {
    await using server = await openFaultServer(faults.ok("x"));
    using client = rawClient(server.url);
    for (const byte of "GET /a HTTP/1.1\r\nhost: test\r\n\r\n") {
      client.send(byte);
      await sleep(0);
    }
    await client.take("x");

    expect(server.requests[0]!.target).toBe("/a");
  });
});

describe("waiting until something was seen", () => {
  test("is over at once if it was", async () => {
    await using server = await openFaultServer();

    await expect(server.until(({ requests }) => requests === 0)).resolves.toBeUndefined();
  });

  test("is over for all who wait for the same, and for nobody else", async () => {
    await using server = await openFaultServer();
    const log: string[] = [];
    await cancelScope(async (scope) => {
      await taskGroup(async (group) => {
        group.spawn(() => server.until(({ requests }) => requests === 2).then(() => log.push("two")));
        group.spawn(() => server.until(({ requests }) => requests >= 1).then(() => log.push("one")));
        group.spawn(() => server.until(({ requests }) => requests === 2).then(() => log.push("two as well")));
        await rawAnswer(server.url, "/");
        await rawAnswer(server.url, "/");
        await server.until(() => log.length === 3);
        scope.cancel();
      });
    });

    expect(log).toEqual(["one", "two", "two as well"]);
  });

  test("rejects with what the question throws, then or later", async () => {
    await using server = await openFaultServer();
    const [later] = await Promise.allSettled([server.until(failOnRequest), rawAnswer(server.url)]);

    expect(later).toMatchObject({ reason: { message: "bad question" } });
    await expect(server.until(failOnRequest)).rejects.toThrow("bad question");
  });

  test("is cancelled before and meanwhile, and asks no more", async () => {
    await using server = await openFaultServer();
    let asked = 0;
    const outcome = await cancelScope(async (scope) => {
      const waiting = server.until(() => (asked++, false));
      scope.cancel();
      await expect(waiting).rejects.toMatchObject({ code: "ABORT_ERR" });
      await expect(server.until(() => (asked++, true))).rejects.toMatchObject({ code: "ABORT_ERR" });
    });
    await rawAnswer(server.url);

    expect(outcome).toBeUndefined();
    expect(asked).toBe(1);
  });
});

describe("disposal", () => {
  test("closes all connections, and the port", async () => {
    const server = await openFaultServer({ "/hang": faults.hang(), "/endless": faults.endlessBody() });
    const idle = rawClient(server.url);
    const hanging = rawClient(server.url).get("/hang");
    const reading = rawClient(server.url).get("/endless");
    await server.until(({ inFlight, openConnections }) => inFlight === 2 && openConnections === 3);
    await server[Symbol.asyncDispose]();

    expect(server.statistics()).toMatchObject({ inFlight: 0, openConnections: 0, cut: 2, closedByClient: 0 });
    expect(server.connections.map(({ end }) => end)).toEqual(["disposed", "disposed", "disposed"]);
    for (const client of [idle, hanging, reading]) expect((await client.all()).end).toMatch(/^(FIN|ECONNRESET)$/);
    expect((await rawAnswer(server.url)).end).toBe("ECONNREFUSED");
  });

  test("is done once, however often it is asked for", async () => {
    const server = await openFaultServer();

    expect(server[Symbol.asyncDispose]()).toBe(server[Symbol.asyncDispose]());
    await server[Symbol.asyncDispose]();
  });

  test("does not wait for a script that waits for something foreign", async () => {
    const server = await openFaultServer(() => new Promise<Fault>(() => {}));
    using client = rawClient(server.url).get();
    await server.until(({ inFlight }) => inFlight === 1);
    await server[Symbol.asyncDispose]();

    expect(server.requests[0]!.state).toBe("cut");
    expect((await client.all()).end).toBe("FIN");
  });

  test("ends a fault that sends to a client that does not read", async () => {
    const server = await openFaultServer(faults.largeBody(100_000_000));
    using client = rawClient(server.url).get();
    client.socket.pause();
    await server.until(({ inFlight }) => inFlight === 1);
    await server[Symbol.asyncDispose]();

    expect(server.requests[0]!.state).toBe("cut");
  });

  test("happens in a cancelled scope as well", async () => {
    const log: string[] = [];
    await cancelScope(async (scope) => {
      await using server = await openFaultServer(faults.hang());
      using client = rawClient(server.url).get();
      await server.until(({ inFlight }) => inFlight === 1);
      scope.cancel();
      log.push(client.end ?? "still open");
    });

    expect(log).toEqual(["still open"]);
  });
});

describe("the scope that opens it", () => {
  test("must not be cancelled", async () => {
    await cancelScope(async (scope) => {
      scope.cancel();
      await expect(openFaultServer()).rejects.toMatchObject({ code: "ABORT_ERR" });
    });
    expect.assertions(1);
  });

  test("may be cancelled later: the server goes on, to be watched until it is disposed of", async () => {
    await cancelScope(async (scope) => {
      await using server = await openFaultServer(faults.ok("still here"));
      scope.cancel();
      await shield(async () => expect((await rawAnswer(server.url)).received).toContain("still here"));
    });
    expect.assertions(1);
  });

  test("closes it if it ends first", async () => {
    const server = await taskGroup(() => openFaultServer(faults.hang()));

    await server[Symbol.asyncDispose]();
    expect((await rawAnswer(server.url)).end).toBe("ECONNREFUSED");
  });

  test("shows it among its scopes", async () => {
    await taskGroup(async (_, scope) => {
      await using server = await openFaultServer();
      expect(drawTree(currentScope())).toBe(`group\n└─ fault server ${server.url}: waits for clients`);
      await server[Symbol.asyncDispose]();
      expect(scope.name).toBe("group");
      expect(drawTree(currentScope())).not.toContain("fault server");
    });
  });

  test("may end while it is being opened: then it is not left open", async () => {
    let opening: Promise<unknown> | undefined;
    await expectNoLeaks(async () => {
      await taskGroup(() => {
        opening = openFaultServer();
        opening.catch(() => {});
      });
      await expect(opening).rejects.toMatchObject({ code: "SCOPE_CLOSED" });
    });
    expect.assertions(1);
  });
});

describe("with the other tools of testing", () => {
  test("its time is real, and virtual time stands still for it", async () => {
    const passedMs = await withVirtualTime(async () => {
      await using server = await openFaultServer(faults.delayed(20, faults.ok("x")));
      const startedMs = now();
      expect((await rawAnswer(server.url)).received).toContain("200 OK");
      await server.until(({ openConnections }) => openConnections === 0);
      expect(server.requests[0]!.endedAtMs! - server.requests[0]!.atMs).toBeGreaterThanOrEqual(20);
      return now() - startedMs;
    });

    expect(passedMs).toBe(0);
  });

  test("it holds up no virtual time while nothing is asked of it", async () => {
    await withVirtualTime(async () => {
      await using server = await openFaultServer(faults.hang());
      using client = rawClient(server.url).get();
      await server.until(({ inFlight }) => inFlight === 1);
      await expect(timeout(3_600_000, () => sleep(Infinity))).rejects.toMatchObject({ code: "TIMEOUT" });
      expect(client.end).toBeUndefined();
    });
    expect.assertions(2);
  });

  test("it leaves nothing behind, wherever its user is cancelled", async () => {
    const sweep = await cancelEverywhere(async () => {
      await using server = await openFaultServer({ "/": faults.ok("x"), "/hang": faults.hang() });
      using client = rawClient(server.url).get();
      await server.until(({ requests }) => requests === 1);
      client.get("/hang");
      await server.until(({ inFlight, requests }) => inFlight === 1 && requests === 2);
    });

    // Opening, and two waits: what the server does itself is no checkpoint of its user.
    expect(sweep.checkpoints).toBe(3);
  });

  test("it works in any order of its user's tasks", async () => {
    await explore(
      async () => {
        await using server = await openFaultServer([faults.reset(), faults.ok("x")]);
        const ends: string[] = [];
        await taskGroup((group) => {
          for (let i = 0; i < 3; i++) {
            group.spawn(async () => {
              await sleep(1);
              ends.push((await rawAnswer(server.url)).end);
            });
          }
        });
        expect(ends.toSorted()).toEqual(["ECONNRESET", "FIN", "FIN"]);
        await server.until(({ openConnections }) => openConnections === 0);
      },
      { seeds: 10 },
    );
    expect.assertions(10);
  });

  test("one that is not disposed of is told as a leak", async () => {
    await expect(
      expectNoLeaks(async () => {
        await openFaultServer();
      }),
    ).rejects.toThrow(/fault server http:\/\/127\.0\.0\.1:\d+ in .*which nobody awaits/);
  });
});

test("whatever is asked of it and whenever clients go: all ends, and nothing is left", async () => {
  const all: readonly Fault[] = [
    faults.ok("hello"),
    faults.ok("hello", { framing: "chunked" }),
    faults.http10("hello"),
    faults.reset(),
    faults.close(),
    faults.hang(),
    faults.raw(),
    faults.endlessHeaders(),
    faults.endlessBody(),
    faults.largeBody(3_000_000),
    faults.shortBody(),
    faults.unendedChunks("hello", "reset"),
    faults.cutIn("headers", faults.ok("hello")),
    faults.cutIn("body", faults.ok("hello"), "close"),
    faults.slow(faults.ok("hello"), { pieceBytes: 7 }),
    faults.delayed(5, faults.ok("hello")),
    faults.thenEnd(faults.ok("hello"), { afterMs: 3 }),
    faults.endOnNextRequest(faults.ok("hello"), "reset"),
    faults.early(faults.ok("hello")),
    faults.unread(faults.ok("hello")),
    faults.events([{ data: "1" }, { data: "2" }], { everyMs: 2, end: "reset" }),
    faults.bomb("gzip", 1_000_000),
  ];
  await expectNoLeaks(async () => {
    await using server = await openFaultServer(({ number }) => all[number % all.length]!);
    const one = async (i: number): Promise<void> => {
      using client = rawClient(server.url);
      await once(client.socket, "connect");
      if (i % 3 === 0) client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 100000\r\n\r\n");
      if (i % 3 === 0) client.send(new Uint8Array(i % 2 === 0 ? 100_000 : 5_000));
      else client.get().get();
      if (i % 4 === 0) client.socket.pause();
      await sleep(i % 20);
      if (i % 5 === 0) client.socket.resetAndDestroy();
    };
    await taskGroup(async (group) => {
      for (let i = 0; i < 400; i++) {
        group.spawn(() => one(i));
        if (i % 20 === 0) await sleep(5);
      }
    });
    await server.until(({ connections }) => connections === 400);
    expect(server.statistics().requests).toBeGreaterThan(300);
  });
  expect.assertions(1);
});
