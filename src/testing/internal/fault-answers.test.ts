import { expect, test } from "vitest";
import { rawAnswer, rawClient } from "../../../test/raw-client.ts";
import { faults, openFaultServer } from "../index.ts";

test("a whole answer has a head, a length and a body", async () => {
  await using server = await openFaultServer(faults.ok("héllo", { headers: { "x-a": "1", "x-b": ["2", "3"] } }));

  expect(await rawAnswer(server.url)).toEqual({
    received: "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nx-a: 1\r\nx-b: 2\r\nx-b: 3\r\n\r\nh\u00c3\u00a9llo",
    end: "FIN",
  });
});

test("any status may be answered, with any words", async () => {
  await using server = await openFaultServer([
    faults.status(404, "no"),
    faults.status(299, "", { reason: "Why Not" }),
    faults.status(204),
  ]);

  expect((await rawAnswer(server.url)).received).toBe("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno");
  expect((await rawAnswer(server.url)).received).toBe("HTTP/1.1 299 Why Not\r\ncontent-length: 0\r\n\r\n");
  expect((await rawAnswer(server.url)).received).toBe("HTTP/1.1 204 No Content\r\n\r\n");
});

test("the end of a body can be told in three ways", async () => {
  await using server = await openFaultServer({
    "/chunked": faults.ok("hello", { framing: "chunked" }),
    "/close": faults.ok("hello", { framing: "close" }),
    "/http10": faults.http10("hello"),
  });

  expect((await rawAnswer(server.url, "/chunked")).received).toBe(
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  );
  using kept = rawClient(server.url).get("/close");
  expect(await kept.all()).toEqual({ received: "HTTP/1.1 200 OK\r\n\r\nhello", end: "FIN" });
  using old = rawClient(server.url).get("/http10");
  expect(await old.all()).toEqual({ received: "HTTP/1.0 200 OK\r\n\r\nhello", end: "FIN" });
});

test("a HEAD is answered without the body", async () => {
  await using server = await openFaultServer(faults.ok("hello"));

  expect((await rawAnswer(server.url, "/", "HEAD")).received).toBe("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
});

test("JSON says that it is", async () => {
  await using server = await openFaultServer(faults.json({ a: 1 }));

  expect((await rawAnswer(server.url)).received).toBe(
    'HTTP/1.1 200 OK\r\ncontent-length: 7\r\ncontent-type: application/json\r\n\r\n{"a":1}',
  );
});

test("an echo answers with what came", async () => {
  await using server = await openFaultServer(faults.echo());
  using client = rawClient(server.url);
  client.send("POST / HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello");

  expect((await client.all()).received).toBe("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
});

test("heads of the first hundred come before the answer", async () => {
  await using server = await openFaultServer(faults.informational([100, 103], faults.ok("x")));

  expect((await rawAnswer(server.url)).received).toBe(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
  );
});

test("a busy server says nothing of when to come again, or seconds, or nonsense", async () => {
  await using server = await openFaultServer([
    faults.busy(),
    faults.busy({ status: 429, retryAfter: 3 }),
    faults.busy({ retryAfter: "soon" }),
  ]);

  const body = "content-length: 10\r\n";
  expect((await rawAnswer(server.url)).received).toBe(`HTTP/1.1 503 Service Unavailable\r\n${body}\r\ncome again`);
  expect((await rawAnswer(server.url)).received).toBe(
    `HTTP/1.1 429 Too Many Requests\r\n${body}retry-after: 3\r\n\r\ncome again`,
  );
  expect((await rawAnswer(server.url)).received).toContain("retry-after: soon\r\n");
});

test("a busy server may name a date, never earlier than was meant", async () => {
  await using server = await openFaultServer(faults.busy({ retryAfter: { dateInMs: 60_000 } }));
  const before = Date.now();
  const { received } = await rawAnswer(server.url);
  const after = Date.now();
  const date = /^retry-after: (\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT)\r$/m.exec(received)?.[1] ?? "";

  expect(Date.parse(date)).toBeGreaterThanOrEqual(before + 60_000);
  expect(Date.parse(date)).toBeLessThan(after + 61_000);
});

test("a storm is a fault so many times", async () => {
  await using server = await openFaultServer([...faults.times(2, faults.busy()), faults.ok()]);
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push((await rawAnswer(server.url)).received.slice(9, 12));

  expect(answers).toEqual(["503", "503", "200", "200"]);
});
