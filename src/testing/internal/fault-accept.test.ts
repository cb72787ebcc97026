import { expect, test } from "vitest";
import { rawClient, rawTlsClient } from "../../../test/raw-client.ts";
import { type ConnectionFault, faults, openFaultServer } from "../index.ts";

const answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

test("the first connection gets the first of a list, and the last of it stays", async () => {
  await using server = await openFaultServer(faults.ok("hello"), { connections: ["reset", "close", "serve"] });
  const outcomes: string[] = [];
  for (let i = 0; i < 4; i++) {
    using client = rawClient(server.url);
    outcomes.push(
      await client
        .get()
        .take("hello")
        .catch(() => client.end!),
    );
  }

  expect(outcomes).toEqual(["ECONNRESET", "FIN", answer, answer]);
  expect(server.connections.map(({ requests }) => requests)).toEqual([0, 0, 1, 1]);
});

test("a function may say it of each connection", async () => {
  await using server = await openFaultServer(faults.ok("hello"), {
    connections: (connection) => (connection === 2 ? "garbage" : "serve"),
  });
  using first = rawClient(server.url).get();
  await first.take("hello");
  using second = rawClient(server.url);

  expect(await second.all()).toEqual({ received: "220 mail.example.com ESMTP\r\n", end: "FIN" });
});

test("a connection may end when the first bytes come, and not before", async () => {
  await using server = await openFaultServer(faults.ok(), {
    connections: ["reset-on-first-bytes", "close-on-first-bytes"],
  });
  using first = rawClient(server.url);
  using second = rawClient(server.url);
  await server.until(({ openConnections }) => openConnections === 2);

  expect((await first.send("G").all()).end).toBe("ECONNRESET");
  expect((await second.send("G").all()).end).toBe("FIN");
  expect(server.connections.map(({ end }) => end)).toEqual(["server-reset", "server-closed"]);
});

test("a connection that hangs says nothing, and hears when the client goes", async () => {
  await using server = await openFaultServer(faults.ok(), { connections: "hang" });
  using client = rawClient(server.url).get();
  await server.until(({ openConnections }) => openConnections === 1);
  client.socket.destroy();
  await server.until(({ closedByClient }) => closedByClient === 1);

  expect(client.received).toBe("");
  expect(server.statistics().requests).toBe(0);
});

const handshakes: readonly (readonly [fault: ConnectionFault, end: string])[] = [
  ["reset", "ECONNRESET"],
  ["close", "FIN"],
  ["reset-on-first-bytes", "ECONNRESET"],
  ["close-on-first-bytes", "FIN"],
  ["garbage", "ERR_SSL_WRONG_VERSION_NUMBER"],
];

test.for(handshakes)("with TLS, %s is a handshake that fails", async ([connections, end]) => {
  await using server = await openFaultServer(faults.ok(), { tls: "valid", connections });
  using client = rawTlsClient(server.url, { ca: server.authority });

  expect(await client.all()).toEqual({ received: "", end });
});

test("a handshake may hang, until the client or the server has enough", async () => {
  const server = await openFaultServer(faults.ok(), { tls: "valid", connections: "hang" });
  using one = rawTlsClient(server.url, { ca: server.authority });
  using other = rawTlsClient(server.url, { ca: server.authority });
  await server.until(({ openConnections }) => openConnections === 2);
  one.socket.destroy();
  await server.until(({ openConnections }) => openConnections === 1);
  await server[Symbol.asyncDispose]();

  expect((await other.all()).end).toBe("FIN");
  expect(server.connections.map(({ end }) => end)).toEqual(expect.arrayContaining(["client-closed", "disposed"]));
});

test("who speaks no TLS to a server that does is recorded as a problem", async () => {
  await using server = await openFaultServer(faults.ok(), { tls: "valid" });
  using client = rawClient(server.url).get();
  await client.all();
  await server.until(({ openConnections }) => openConnections === 0);

  expect(server.connections[0]!.problem).toBe("ERR_SSL_HTTP_REQUEST");
});

test("a fault of connections that there is not is a mistake of the script", async () => {
  const server = await openFaultServer(faults.ok(), { connections: () => "explode" as "reset" });
  using client = rawClient(server.url).get();
  await client.all();

  await expect(server[Symbol.asyncDispose]()).rejects.toThrow(
    'Expected `connections` to name a fault, such as "reset", got "explode"',
  );
  await expect(openFaultServer(faults.ok(), { connections: [] })).rejects.toThrow(RangeError);
});
