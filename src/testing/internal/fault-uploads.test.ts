import { expect, test } from "vitest";
import { rawClient } from "../../../test/raw-client.ts";
import { faults, openFaultServer } from "../index.ts";

const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const post = (headers: string): string => `POST / HTTP/1.1\r\nhost: test\r\n${headers}\r\n\r\n`;

test("the answer comes when the body has come", async () => {
  await using server = await openFaultServer(faults.ok("ok"));
  using client = rawClient(server.url);
  client.send(`${post("content-length: 10")}hello`);
  await server.until(() => server.requests[0]?.bodyBytes === 5);

  expect(client.received).toBe("");
  expect(await client.send("world").take("ok")).toBe(answer);
  expect(Buffer.from(server.requests[0]!.body).toString()).toBe("helloworld");
});

test("a body may come in chunks, with extensions and trailers", async () => {
  await using server = await openFaultServer(faults.ok("ok"));
  using client = rawClient(server.url);
  client.send(`${post("transfer-encoding: chunked")}5\r\nhello\r\n5;a=b\r\nworld\r\n0\r\nx-trailer: 1\r\n\r\n`);

  expect(await client.take("ok")).toBe(answer);
  expect(await client.get().take("ok")).toBe(answer);
  expect(server.requests[0]).toMatchObject({ bodyBytes: 10, isComplete: true });
});

test("a client that waits for consent is told to continue", async () => {
  await using server = await openFaultServer(faults.ok("ok"));
  using client = rawClient(server.url);
  client.send(post("expect: 100-continue\r\ncontent-length: 5"));

  expect(await client.take("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  expect(await client.send("hello").take("ok")).toBe(answer);
});

test("an early answer comes before the body, which is read all the same", async () => {
  await using server = await openFaultServer([faults.early(faults.ok("ok")), faults.ok("ok")]);
  using client = rawClient(server.url);

  expect(await client.send(post("content-length: 5")).take("ok")).toBe(answer);
  expect(server.requests[0]).toMatchObject({ state: "played", isComplete: false });
  expect(await client.send("hello").get().take("ok")).toBe(answer);
  expect(server.requests[0]).toMatchObject({ bodyBytes: 5, isComplete: true });
});

test("after an early answer to a client that waits for consent, the connection ends", async () => {
  await using server = await openFaultServer(faults.early(faults.status(417, "no")));
  using client = rawClient(server.url);
  client.send(post("expect: 100-continue\r\ncontent-length: 5"));

  expect(await client.all()).toEqual({
    received: "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 2\r\n\r\nno",
    end: "FIN",
  });
});

test("a body that is not read cannot be sent", async () => {
  await using server = await openFaultServer(
    faults.unread(faults.delayed(20, faults.informational([102], faults.hang()))),
  );
  using client = rawClient(server.url);
  const bytes = 64 * 2 ** 20;
  client.send(post(`content-length: ${bytes}`)).send(new Uint8Array(bytes));

  await client.take("HTTP/1.1 102 Processing\r\n\r\n");
  expect(client.socket.writableLength).toBeGreaterThan(0);
  expect(server.requests[0]!.bodyBytes).toBe(0);
});

test("a connection whose body is not read may end", async () => {
  await using server = await openFaultServer(faults.unread(faults.reset()));
  using client = rawClient(server.url);
  client.send(post("content-length: 1000000"));

  expect((await client.all()).end).toBe("ECONNRESET");
});

test("a fault that does not read first may read after all", async () => {
  await using server = await openFaultServer({
    name: "late",
    reads: "never",
    async play(wire) {
      await wire.raw("HTTP/1.1 102 Processing\r\n\r\n");
      await wire.received();
      await wire.head({ headers: { "content-length": wire.request.bodyBytes } });
      await wire.body(wire.request.body);
    },
  });
  using client = rawClient(server.url);
  await client.send(post("content-length: 5")).take("Processing");

  expect(await client.send("hello").take("hello")).toContain("content-length: 5");
});

test("of a long body only the length is recorded beyond a MiB", async () => {
  await using server = await openFaultServer(faults.ok("ok"));
  using client = rawClient(server.url);
  client.send(post("content-length: 3000000")).send(new Uint8Array(3_000_000));
  await client.take("ok");

  expect(server.requests[0]!.bodyBytes).toBe(3_000_000);
  expect(server.requests[0]!.body).toHaveLength(2 ** 20);
});
