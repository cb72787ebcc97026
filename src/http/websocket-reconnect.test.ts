import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { thrownBy } from "../../test/core/helpers.ts";
import { rawServer } from "../../test/http-server.ts";
import { echo, webSocketServer } from "../../test/websocket-server.ts";
import { cancelScope, currentScope, drawTree, moveOnAfter, now, sleep, taskGroup } from "../core/index.ts";
import { exponential } from "../flow/index.ts";
import { cancelEverywhere, expectNoLeaks, withVirtualTime } from "../testing/index.ts";
import { type Session, type WebSocketClient, openSession } from "./index.ts";

const atOnce = { reconnect: { backoff: () => 0 } };

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function take(socket: WebSocketClient, count: number): Promise<unknown[]> {
  const messages: unknown[] = [];
  while (messages.length < count) messages.push(await socket.receive());
  return messages;
}

test("what is lost is opened again, and its owner is told of each connection before its messages are read", async () => {
  let connections = 0;
  await using server = await webSocketServer((client) => {
    const number = ++connections;
    client.on("message", (topic) => {
      client.send(`${(topic as Buffer).toString()} ${number}`);
      setImmediate(() => client.terminate());
    });
  });
  await using session = openSession();
  const opened: number[] = [];
  const answers: unknown[] = [];
  await using socket = await session.websocket(server.url, {
    ...atOnce,
    onOpen: async (it, connection) => {
      opened.push(connection);
      await it.send("prices");
      if (connection === 2) answers.push(await it.receive());
    },
  });
  expect(opened).toEqual([1]);
  expect(await take(socket, 2)).toEqual(["prices 1", "prices 3"]);
  expect(opened).toEqual([1, 2, 3]);
  expect(answers).toEqual(["prices 2"]);
  expect(socket.statistics().connections).toBe(3);
});

test("messages that came before a connection was lost are read first", async () => {
  await using server = await webSocketServer((client) => {
    for (let i = 0; i < 100; i++) client.send(String(i));
    setTimeout(() => client.terminate(), 20);
  });
  await using session = openSession();
  await using socket = await session.websocket(server.url, atOnce);
  await pause(100);
  await socket.send("opens the next one");
  expect(await take(socket, 200)).toEqual([...Array(200).keys()].map((i) => String(i % 100)));
});

test("who sends opens the next connection as well", async () => {
  const received: string[] = [];
  await using server = await webSocketServer((client) => {
    client.on("message", (data) => received.push((data as Buffer).toString()));
  });
  await using session = openSession();
  await using socket = await session.websocket(server.url, atOnce);
  await socket.send("1");
  while (received.length < 1) await pause(5);
  server.cut();
  await pause(20);
  await socket.send("2");
  while (received.length < 2) await pause(5);
  expect(received).toEqual(["1", "2"]);
  expect(server.requests.length).toBe(2);
});

test("a server that is killed in the middle of a message is found again", async () => {
  const program = `
    import { WebSocketServer } from "ws";
    const server = new WebSocketServer({ port: Number(process.argv[1]) });
    server.on("connection", (client) => {
      for (let i = 0; i < 100; i++) client.send(String(i));
      client.send("x".repeat(50_000_000));
    });
    server.on("listening", () => console.log(server.address().port));
  `;
  const start = async (port: number): Promise<[ChildProcess, number]> => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program, String(port)]);
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    return [child, Number(line.toString())];
  };
  let [child, port] = await start(0);
  await using session = openSession();
  const socket = await session.websocket(`ws://127.0.0.1:${port}`, { reconnect: { backoff: () => 50 }, ...small });
  const expected = [...Array(100).keys()].map(String);
  for (let life = 0; life < 3; life++) {
    expect(await take(socket, 100)).toEqual(expected);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    // Another one takes a moment, and meanwhile nobody listens there.
    const next = socket.receive();
    [child] = await start(port);
    expect(await next).toBe("0");
    expected.shift();
    expect(await take(socket, 99)).toEqual(expected);
    expected.unshift("0");
    child.kill("SIGKILL");
    await once(child, "exit");
    [child] = await start(port);
  }
  await socket.close();
  child.kill("SIGKILL");
});

/** The message that is cut off may begin to come, and is not to fill the memory of the test. */
const small = { maxUnreadBytes: 100_000, maxMessageBytes: 100_000_000 };

test("the waits grow while nothing comes, and begin anew when something has", async () => {
  await withVirtualTime(async () => {
    let connections = 0;
    await using server = await webSocketServer((client) => {
      if (++connections >= 4) client.send(String(connections));
      client.close(1013);
    });
    await using session = openSession();
    const backoff = exponential({ baseMs: 1_000, jitter: "none" });
    const socket = await session.websocket(server.url, { reconnect: { backoff } });
    const startedMs = now();
    expect(await socket.receive()).toBe("4");
    expect(Math.round(now() - startedMs)).toBe(1_000 + 2_000 + 4_000);
    expect(await socket.receive()).toBe("5");
    expect(Math.round(now() - startedMs)).toBe(8_000);
    await socket.close();
  });
});

test("attempts that bring nothing have an end, and the last error is thrown to all", async () => {
  await using server = await webSocketServer();
  await using session = openSession();
  await using socket = await session.websocket(server.url, { reconnect: { attempts: 2, backoff: () => 0 } });
  await server[Symbol.asyncDispose]();
  await pause(20);
  const users = [socket.receive(), socket.send("x"), socket.receive()].map((one) => thrownBy(one));
  for (const error of await Promise.all(users))
    expect(error).toMatchObject({ code: "HTTP_CONNECTION", phase: "connect" });
  expect(await thrownBy(socket.receive())).toMatchObject({ code: "HTTP_CONNECTION" });
});

test("what will not go better is not tried again, unless one says so", async () => {
  await using server = await webSocketServer((client, { url }) => client.close(Number(url!.slice(1)), "why"));
  await using session = openSession();
  for (const code of [1002, 1003, 1008, 4000]) {
    await using socket = await session.websocket(`${server.url}/${code}`, atOnce);
    expect(await thrownBy(socket.receive())).toMatchObject({ closeCode: code });
  }
  await using done = await session.websocket(`${server.url}/1000`, atOnce);
  expect(await done.receive()).toBe(undefined);
  expect(server.requests.length).toBe(5);
  const seen: unknown[] = [];
  const when = (error: unknown): boolean => seen.push(error) < 3;
  await using stubborn = await session.websocket(`${server.url}/4000`, { reconnect: { backoff: () => 0, when } });
  expect(await thrownBy(stubborn.receive())).toMatchObject({ closeCode: 4000 });
  expect(seen.length).toBe(3);
  const broken = new Error("broken");
  const thrower = (): never => {
    throw broken;
  };
  await using confused = await session.websocket(`${server.url}/4000`, { reconnect: { when: thrower } });
  expect(await thrownBy(confused.receive())).toBe(broken);
});

test("a handshake that is refused for now is tried again, and one that is refused for good ends it", async () => {
  const statuses = [undefined, 503, 429, 500, undefined, 403];
  await using server = await webSocketServer(echo, { refuse: () => statuses.shift() });
  await using session = openSession();
  await using socket = await session.websocket(server.url, atOnce);
  server.cut();
  await pause(20);
  await socket.send("x");
  expect(await socket.receive()).toBe("x");
  expect(statuses).toEqual([403]);
  server.cut();
  expect(await thrownBy(socket.receive())).toMatchObject({ code: "HTTP_WEBSOCKET_HANDSHAKE", status: 403 });
  expect(await thrownBy(socket.send("x"))).toMatchObject({ code: "HTTP_WEBSOCKET_HANDSHAKE", status: 403 });
});

test("what onOpen throws ends the socket, and is thrown to all", async () => {
  await using server = await webSocketServer();
  await using session = openSession();
  const error = new Error("no subscription");
  const onOpen = (_socket: unknown, connection: number): void => {
    if (connection !== 1) throw error;
  };
  const never = (): never => {
    throw error;
  };
  expect(await thrownBy(session.websocket(server.url, { onOpen: never }))).toBe(error);
  await server.until(({ closed }) => closed.length === 1);
  await using socket = await session.websocket(server.url, { ...atOnce, onOpen });
  const reading = [thrownBy(socket.receive()), thrownBy(socket.receive())];
  server.cut();
  expect(await Promise.all(reading)).toEqual([error, error]);
  await server.until(({ sockets }) => sockets.size === 0);
});

test("a connection that is lost while its owner subscribes cuts that off, and is opened again", async () => {
  await using server = await webSocketServer((client) => {
    if (server.clients.length === 2) client.terminate();
    else echo(client, server.requests[0]!);
  });
  await using session = openSession();
  const opened: string[] = [];
  await using socket = await session.websocket(server.url, {
    ...atOnce,
    onOpen: async (it, connection) => {
      opened.push(`${connection} begins`);
      if (connection === 2) await sleep(60_000);
      await it.send(String(connection));
      opened.push(`${connection} ends`);
    },
  });
  expect(await socket.receive()).toBe("1");
  server.cut();
  expect(await socket.receive()).toBe("3");
  expect(opened).toEqual(["1 begins", "1 ends", "2 begins", "3 begins", "3 ends"]);
});

test("where the one who opens it again is cancelled, the next takes over", async () => {
  await using server = await webSocketServer();
  await using session = openSession();
  await using socket = await session.websocket(server.url, { reconnect: { backoff: () => 150 } });
  server.cut();
  await pause(20);
  const [first, second] = await Promise.all([
    moveOnAfter(50, () => socket.receive()),
    (async () => {
      await socket.send("x");
      return socket.receive();
    })(),
  ]);
  expect([first, second]).toEqual([undefined, "x"]);
  expect(server.requests.length).toBe(2);
});

test("closing ends the attempts of others", async () => {
  await using server = await webSocketServer();
  await using session = openSession();
  const socket = await session.websocket(`${server.url}/feed`, { reconnect: { backoff: () => 60_000 } });
  const reading = socket.receive();
  const sending = thrownBy(
    (async () => {
      await pause(50);
      await socket.send("x");
    })(),
  );
  server.cut();
  await taskGroup(async () => {
    while (!drawTree(currentScope().tree.root).includes("/feed: to be opened again in")) await pause(5);
  });
  await pause(50);
  await socket.close(4001);
  expect(await reading).toBe(undefined);
  expect(await sending).toMatchObject({ closeCode: 4001 });
  expect(await thrownBy(socket.send("x"))).toMatchObject({ closeCode: 4001 });
});

test("closing in the middle of a handshake gives that up", async () => {
  await using server = await webSocketServer();
  await using session = openSession();
  const socket = await session.websocket(server.url, { reconnect: { backoff: () => 0 } });
  const { port } = new URL(server.url);
  await server[Symbol.asyncDispose]();
  await using mute = await rawServer(Number(port));
  const reading = socket.receive();
  const peer = await mute.accept();
  await peer.head();
  await socket.close();
  expect(await reading).toBe(undefined);
  await peer.closed;
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("cancelled at any point, a WebSocket leaves nothing behind", async () => {
  for (const compress of [false, true]) {
    let session: Session;
    const sweep = await cancelEverywhere(
      async () => {
        let connections = 0;
        await using server = await webSocketServer(
          (client) => {
            const number = ++connections;
            client.on("message", () => client.send(`${number} ${"x".repeat(2_000)}`));
            if (number === 2) client.terminate();
          },
          { compress },
        );
        await using opened = openSession();
        session = opened;
        await using socket = await opened.websocket(server.url, {
          reconnect: { backoff: () => 10 },
          onOpen: (it) => it.send("x".repeat(2_000)),
        });
        await socket.receive();
        server.clients[0]!.terminate();
        await socket.receive();
        await socket.close();
      },
      { check: () => expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 }) },
    );
    expect(sweep.checkpoints).toBeGreaterThan(8);
  }
});

test("cancelled at random moments, with messages both ways, it leaves nothing behind", async () => {
  for (let round = 0; round < 60; round++) {
    await using server = await webSocketServer(
      (client) => {
        const more = (): void => client.send("x".repeat(3_000), () => client.readyState === 1 && setImmediate(more));
        more();
      },
      { compress: round % 2 === 0 },
    );
    await using session = openSession();
    await expectNoLeaks(() =>
      cancelScope(async (scope) => {
        setTimeout(() => scope.cancel(), round / 2);
        await taskGroup(async (group) => {
          await using socket = await session.websocket(server.url, { maxUnreadBytes: 20_000, maxUnsentBytes: 20_000 });
          group.spawn(async () => {
            for (;;) await socket.send("y".repeat(3_000));
          });
          for await (const message of socket) expect(message.length).toBe(3_000);
        });
      }),
    );
    await server.until(({ sockets }) => sockets.size === 0);
    expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
  }
});

test("a WebSocket that was used and closed leaves nothing behind", async () => {
  for (const compress of [false, true]) {
    await using server = await webSocketServer(echo, { compress });
    const use = async (): Promise<number> => {
      await using session = openSession();
      {
        await using socket = await session.websocket(server.url);
        for (let i = 0; i < 50; i++) await socket.send("x".repeat(5_000));
        expect((await take(socket, 25)).length).toBe(25);
      }
      return session.statistics().connections;
    };
    // What the process opens for good, such as threads, it opens with the first.
    await use();
    expect(await expectNoLeaks(use)).toBe(0);
  }
});

test("a session that is closed ends the waits for the next connection", async () => {
  await using server = await webSocketServer();
  const session = openSession();
  const socket = await session.websocket(server.url, { reconnect: { backoff: () => 60_000 } });
  const users = [thrownBy(socket.receive()), thrownBy(socket.receive())];
  server.cut();
  await pause(50);
  await session[Symbol.asyncDispose]();
  for (const error of await Promise.all(users)) expect(error).toMatchObject({ code: "HTTP_SESSION_CLOSED" });
});

test("a connection that is lost before its first message is noticed, and a lost first one opened again", async () => {
  const serve = (client: { terminate(): void }): void => {
    if (server.clients.length === 1) client.terminate();
  };
  await using server = await webSocketServer(serve);
  // So long that the connection is gone when somebody could listen.
  await using slow = openSession({ hooks: { afterResponse: () => pause(100) } });
  await using lost = await slow.websocket(server.url);
  expect(await thrownBy(lost.receive())).toMatchObject({ closeCode: 1006 });
  server.clients.length = 0;
  await using session = openSession();
  const opened: number[] = [];
  const onOpen = async (_socket: unknown, connection: number): Promise<void> => {
    opened.push(connection);
    if (connection === 1) await sleep(60_000);
  };
  await using socket = await session.websocket(server.url, { ...atOnce, onOpen });
  expect(opened).toEqual([1, 2]);
  expect(socket.statistics().connections).toBe(2);
  expect(lost.statistics().connections).toBe(1);
});

test("where the one who opens it is cancelled within onOpen, the next opens another", async () => {
  await using server = await webSocketServer();
  await using session = openSession();
  const opened: string[] = [];
  const onOpen = async (it: WebSocketClient, connection: number): Promise<void> => {
    opened.push(`${connection} begins`);
    if (connection === 2) await sleep(60_000);
    await it.send(String(connection));
    opened.push(`${connection} ends`);
  };
  await using socket = await session.websocket(server.url, { ...atOnce, onOpen });
  expect(await socket.receive()).toBe("1");
  server.cut();
  await pause(20);
  const [first, second] = await Promise.all([moveOnAfter(100, () => socket.receive()), socket.receive()]);
  expect([first, second]).toEqual([undefined, "3"]);
  expect(opened).toEqual(["1 begins", "1 ends", "2 begins", "3 begins", "3 ends"]);
  await server.until(({ sockets }) => sockets.size === 1);
});

test("onOpen may close the socket", async () => {
  await using server = await webSocketServer();
  await using session = openSession();
  await using socket = await session.websocket(server.url, {
    ...atOnce,
    onOpen: async (it, connection) => {
      if (connection === 2) await it.close(4000, "enough");
    },
  });
  server.cut();
  await pause(20);
  expect(await socket.receive()).toBe(undefined);
  expect(await thrownBy(socket.send("x"))).toMatchObject({ closeCode: 4000 });
  await server.until(({ closed }) => closed.length === 2);
  expect(server.closed[1]).toBe("4000 enough");
});
