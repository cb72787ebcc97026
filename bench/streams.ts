/** WebSockets against ws and the platform's own, and server-sent events against undici's EventSource. */
import { strict as assert } from "node:assert";
import { once } from "node:events";
import { type WebSocketClient, openSession } from "taskwright/http";
import { EventSource } from "undici";
import { WebSocket as WsWebSocket } from "ws";
import { type Contender, hold } from "./harness.ts";
import { messages, startStreamsServer, text } from "./streams-server.ts";

const roundTrips = 10_000;
const bytes = messages * text.length;

/** Uses one WebSocket of each kind: with a function that is called with each message, or ours. */
interface Use {
  /** Called when it is open. `send` sends; `done` says that the work is done. */
  readonly began: (send: (message: string) => void, done: () => void) => void;
  readonly came: (message: string, send: (message: string) => void, done: () => void) => void;
  readonly ours: (socket: WebSocketClient) => Promise<void>;
}

function contenders(url: string, make: () => Use): Contender[] {
  return [
    {
      name: "ws",
      run: async () => {
        const { began, came } = make();
        const socket = new WsWebSocket(url);
        const over = Promise.withResolvers<void>();
        const send = (message: string): void => socket.send(message);
        socket.on("message", (data) => came((data as Buffer).toString(), send, over.resolve));
        await once(socket, "open");
        began(send, over.resolve);
        await over.promise;
        socket.terminate();
      },
    },
    {
      name: "WebSocket of Node",
      run: async () => {
        const { began, came } = make();
        const socket = new WebSocket(url);
        const over = Promise.withResolvers<void>();
        const send = (message: string): void => socket.send(message);
        socket.addEventListener("message", ({ data }) => came(data as string, send, over.resolve));
        await once(socket, "open");
        began(send, over.resolve);
        await over.promise;
        const closed = once(socket, "close");
        socket.close();
        await closed;
      },
    },
    {
      name: "taskwright session.websocket",
      run: async () => {
        await using session = openSession();
        const socket = await session.websocket(url);
        await make().ours(socket);
      },
    },
  ];
}

function receiveAll(): Use {
  let left = bytes;
  return {
    began: () => {},
    came: (message, _send, done) => {
      left -= message.length;
      if (left === 0) done();
    },
    async ours(socket) {
      for await (const message of socket) {
        left -= message.length;
        if (left === 0) return;
      }
    },
  };
}

function sendAll(): Use {
  return {
    began: (send) => {
      for (let i = 0; i < messages; i++) send(text);
    },
    came: (_message, _send, done) => done(),
    async ours(socket) {
      for (let i = 0; i < messages; i++) await socket.send(text);
      await socket.receive();
    },
  };
}

function askAndWait(): Use {
  let left = roundTrips;
  return {
    began: (send) => send(text),
    came: (message, send, done) => {
      if (--left === 0) done();
      else send(message);
    },
    async ours(socket) {
      for (; left > 0; left--) {
        await socket.send(text);
        await socket.receive();
      }
    },
  };
}

function eventContenders(url: string): Contender[] {
  return [
    {
      name: "EventSource of undici",
      run: async () => {
        let came = 0;
        const source = new EventSource(url);
        await new Promise<void>((resolve) => {
          source.addEventListener("message", ({ data }) => {
            came += (data as string).length;
            if (came === bytes) resolve();
          });
        });
        source.close();
      },
    },
    {
      name: "taskwright session.events",
      run: async () => {
        await using session = openSession();
        let came = 0;
        for await (const { data } of session.events(url)) if ((came += data.length) === bytes) break;
      },
    },
    {
      name: "taskwright response.sse",
      run: async () => {
        await using session = openSession();
        let came = 0;
        for await (const { data } of (await session.get(url)).sse()) came += data.length;
        assert.equal(came, bytes);
      },
    },
  ];
}

/** Each ends when all has come, and not before. */
function check(): void {}

export async function benchStreams(): Promise<void> {
  using server = await startStreamsServer();
  const at = `127.0.0.1:${server.port}`;
  const work = [
    [`WebSocket: ${messages} messages of 100 characters received`, `ws://${at}/flood`, messages, receiveAll],
    [`WebSocket: ${messages} messages of 100 characters sent`, `ws://${at}/sink`, messages, sendAll],
    [`WebSocket: ${roundTrips} round trips`, `ws://${at}/echo`, roundTrips, askAndWait],
  ] as const;
  for (const [title, url, units, make] of work) await hold({ title, units, contenders: contenders(url, make), check });
  const title = `server-sent events: ${messages} of 100 characters`;
  await hold({ title, units: messages, contenders: eventContenders(`http://${at}/`), check });
}

if (import.meta.main) await benchStreams();
