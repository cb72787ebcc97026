import { describe, expect, test } from "vitest";
import { type Peer, type TestServer, httpServer, rawServer } from "../../test/http-server.ts";
import { type Session, openSession } from "./index.ts";

/** Says that a body of five bytes would come. */
const head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";

/** The connection on which a HEAD has been answered. */
async function answeredHead(session: Session, server: TestServer): Promise<Peer> {
  const pending = session.head(server.origin);
  const peer = await server.accept();
  await peer.head();
  peer.send(head);
  await pending;
  return peer;
}

describe("after HEAD", () => {
  test("a connection goes on with the next HEAD, and with nothing else", async () => {
    await using server = await httpServer((_, response) => void response.setHeader("content-length", 5).end("hello"));
    await using session = openSession();

    for (let i = 0; i < 5; i++) {
      const response = await session.head(server.origin);
      expect([response.headers.get("content-length"), await response.text()]).toEqual(["5", ""]);
    }
    expect(server.peers).toHaveLength(1);
    expect(await (await session.get(server.origin)).text()).toBe("hello");
    expect(await (await session.head(server.origin)).text()).toBe("");

    expect(server.peers).toHaveLength(2);
    expect(session.statistics().connections).toBe(1);
  });

  test("a connection that the server does not keep is not used again", async () => {
    await using server = await rawServer();
    await using session = openSession();
    for (const answer of ["HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"]) {
      const pending = session.head(server.origin);
      const peer = await server.accept();
      await peer.head();
      peer.send(answer);
      expect((await pending).status).toBe(200);
      await peer.closed;
    }
  });

  test("a body that comes with the answer ends the connection", async () => {
    await using server = await rawServer();
    await using session = openSession();
    for (let i = 0; i < 3; i++) {
      const pending = session.head(server.origin);
      const peer = await server.accept();
      await peer.head();
      peer.send(`${head}hello`);
      expect(await (await pending).text()).toBe("");
      await peer.closed;
    }
  });

  test("a body that comes late costs its connection, and is no answer to the next one", async () => {
    await using server = await rawServer();
    await using session = openSession();
    const peer = await answeredHead(session, server);

    const second = session.head(server.origin);
    await peer.head();
    peer.send("hello");
    // It is asked anew, by itself.
    const another = await server.accept();
    await another.head();
    another.send(head);
    expect((await second).status).toBe(200);
  });

  test("without retries the error says what came", async () => {
    await using server = await rawServer();
    await using session = openSession({ retry: false });
    const peer = await answeredHead(session, server);

    const second = session.head(server.origin);
    await peer.head();
    peer.send("hello");

    await expect(second).rejects.toMatchObject({
      code: "HTTP_CONNECTION",
      isReused: true,
      message: expect.stringContaining("the server had sent a body in answer to HEAD"),
    });
  });

  test("what many at once send late harms none of them", async () => {
    await using server = await rawServer();
    await using session = openSession({ limit: 10, retry: { attempts: 1 } });
    const serving = (async () => {
      for (;;) {
        const peer = await server.accept();
        void (async () => {
          for (;;) {
            await peer.head();
            peer.send(head);
            setTimeout(() => peer.socket.write("hello"), 2);
          }
        })().catch(() => {}); // The connection was closed.
      }
    })();
    serving.catch(() => {});

    const statuses = await Promise.all(
      Array.from({ length: 200 }, async () => (await session.head(server.origin)).status),
    );

    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});
