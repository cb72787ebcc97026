import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { makeLeanConnector } from "./lean-socket.ts";

let server: Server;
afterEach(() => server.close());

/** A connection to a server that does with each of its connections what it is told. */
async function connectTo(serve: (socket: Socket) => void): Promise<Socket> {
  server = createServer(serve).listen(0, "127.0.0.1");
  await once(server, "listening");
  const to = {
    hostname: "127.0.0.1",
    port: String((server.address() as AddressInfo).port),
    protocol: "http:",
  };
  return await new Promise((resolve, reject) => {
    makeLeanConnector(() => {})(to, (error, socket) => (error === null ? resolve(socket!) : reject(error)));
  });
}

/** Reads all there is whenever `mayRead()`, as undici does; looks again with each turn of the loop. Until the end. */
async function readAll(socket: Socket, mayRead: () => boolean): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const readOn = (): void => {
    for (let piece = next(); piece !== null; piece = next()) pieces.push(piece);
  };
  const next = (): Buffer | null => (mayRead() ? (socket.read() as Buffer | null) : null);
  socket.on("readable", readOn);
  let hasEnded = false;
  socket.on("end", () => (hasEnded = true));
  while (!hasEnded) {
    await new Promise((resolve) => setImmediate(resolve));
    readOn();
  }
  return Buffer.concat(pieces);
}

describe("a lean socket", () => {
  test("gives all bytes in order, however its reader stops and goes on, and then its end", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(fc.boolean()),
        async (sizes, choices) => {
          const sent = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index + 1)));
          const socket = await connectTo((other) => {
            let at = 0;
            for (const size of sizes) other.write(sent.subarray(at, (at += size)));
            other.end();
          });
          const came = await readAll(socket, () => choices.next().value as boolean);
          server.close();

          expect(came.equals(sent)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("ends after what was sent last has been read, also if that lay unread when the end came", async () => {
    const socket = await connectTo((other) => other.end("last words"));
    let heard = "";
    socket.on("readable", () => {});
    socket.on("end", () => (heard += ", the end"));
    await once(socket, "readable");
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(heard).toBe("");
    heard += String(socket.read());
    await once(socket, "end");
    expect(heard).toBe("last words, the end");
  });

  test("makes the other side wait while nobody reads", async () => {
    let isHeldUp = false;
    const socket = await connectTo((other) => {
      isHeldUp = !other.write(Buffer.alloc(64 * 1024 * 1024));
      other.on("drain", () => (isHeldUp = false));
      other.on("error", () => {});
    });
    socket.on("readable", () => {});
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(isHeldUp).toBe(true);
    expect(socket.bytesRead).toBeLessThan(128 * 1024);
    socket.destroy();
  });

  test("gives back first what was put back", async () => {
    const socket = await connectTo((other) => other.write("headers, body"));
    await once(
      socket.on("readable", () => {}),
      "readable",
    );
    const came = socket.read() as Buffer;
    socket.unshift(came.subarray(9));

    expect(String(socket.read())).toBe("body");
    expect(socket.read()).toBeNull();
    socket.destroy();
  });

  test("says once why it could not connect", async () => {
    const free = await connectTo(() => {});
    const { remotePort } = free;
    free.destroy();
    await new Promise((resolve) => server.close(resolve));
    const told: unknown[] = [];
    const to = { hostname: "127.0.0.1", port: String(remotePort), protocol: "http:" };
    const socket = makeLeanConnector(() => {})(to, (error) => told.push(error)) as Socket;
    await new Promise((resolve) => socket.on("close", resolve));

    expect(told).toEqual([expect.objectContaining({ code: "ECONNREFUSED" })]);
  });
});
