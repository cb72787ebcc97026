import { createCipheriv } from "node:crypto";
import { once } from "node:events";
import { appendFile, mkdtemp, readdir, readlink, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { httpServer, rawServer } from "../../test/http-server.ts";
import { cancelScope, moveOnAfter, sleep } from "../core/index.ts";
import { cancelEverywhere, expectNoLeaks, faults, openFaultServer } from "../testing/index.ts";
import { file, multipart, openSession } from "./index.ts";

const folder = await mkdtemp(join(tmpdir(), "taskwright-uploads-"));
afterAll(() => rm(folder, { recursive: true }));
let files = 0;

async function fileOf(bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, `file-${++files}.bin`);
  await writeFile(path, bytes);
  return path;
}

function noise(length: number): Buffer {
  return createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Waits until nobody in this process has the file open, where the system tells. */
async function untilClosed(path: string): Promise<void> {
  const isOpen = async (): Promise<boolean> => {
    const descriptors = await readdir("/proc/self/fd").catch(() => []);
    const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
    return targets.includes(path);
  };
  while (await isOpen()) await sleep(5);
}

const megabyte = 1024 * 1024;

test("a file is sent with its length, and with a type if it is given one", async () => {
  await using server = await openFaultServer();
  await using session = openSession({ baseUrl: server.url });
  for (const bytes of [Buffer.alloc(0), Buffer.from("short"), noise(300_000)]) {
    const path = await fileOf(bytes);
    await session.put("/a", { body: file(path) });
    await session.put("/b", { body: file(pathToFileURL(path), { type: "image/png" }) });
    const [a, b] = server.requests.slice(-2);
    expect(a?.headers).toMatchObject({ "content-length": String(bytes.length) });
    expect(a?.headers).not.toHaveProperty("content-type");
    expect(a?.headers).not.toHaveProperty("transfer-encoding");
    expect(b?.headers).toMatchObject({ "content-length": String(bytes.length), "content-type": "image/png" });
    for (const request of [a, b]) expect(Buffer.from(request!.body).equals(bytes)).toBe(true);
    await untilClosed(path);
  }
});

test("a Blob is sent with its length and type", async () => {
  await using server = await openFaultServer();
  await using session = openSession({ baseUrl: server.url });
  await session.put("/", { body: new Blob(["héllo"], { type: "text/html" }) });
  await session.put("/", { body: new Blob([noise(200_000)]) });
  expect(server.requests[0]).toMatchObject({ headers: { "content-length": "6", "content-type": "text/html" } });
  expect(server.requests[1]?.headers).toMatchObject({ "content-length": "200000" });
  expect(server.requests[1]?.headers).not.toHaveProperty("content-type");
  expect(Buffer.from(server.requests[1]!.body).equals(noise(200_000))).toBe(true);
});

test("forms go with their length where it can be known, and in chunks where a part is an iterable", async () => {
  await using server = await openFaultServer();
  await using session = openSession({ baseUrl: server.url, headers: { "content-type": "text/plain" } });
  const path = await fileOf(noise(100_000));
  const form = new FormData();
  form.append("a", "1");
  form.append("b", new File(["x"], "b.txt"));
  await session.post("/", { body: form });
  await session.post("/", { body: multipart({ a: "1", b: file(path), c: new Blob(["xyz"]) }) });
  await session.post("/", { body: multipart({ a: "1", b: file(path), c: Readable.from(["x", "yz"]) }) });
  for (const { headers, body } of server.requests) {
    expect(headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
    const fields = await new Response(new Uint8Array(body), { headers: headers as Record<string, string> }).formData();
    expect(fields.get("a")).toBe("1");
  }
  const lengths = server.requests.map(({ headers, body }) => Number(headers["content-length"]) === body.length);
  expect(lengths).toEqual([true, true, false]);
  expect(server.requests[2]?.headers).toMatchObject({ "transfer-encoding": "chunked" });
  await untilClosed(path);
});

test("a file that is not there, or is no file, fails the request before anything is sent", async () => {
  await using server = await openFaultServer();
  await using session = openSession({ baseUrl: server.url, limit: 1 });
  for (const body of [file(join(folder, "nothing")), multipart({ a: file(join(folder, "nothing")) })]) {
    await expect(session.put("/", { body })).rejects.toMatchObject({ code: "ENOENT" });
  }
  await expect(session.put("/", { body: file(folder) })).rejects.toThrow(TypeError);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
  expect(server.requests).toEqual([]);
});

test.each<[string, (path: string) => Promise<void>]>([
  ["longer", (path) => appendFile(path, "x")],
  ["shorter", (path) => truncate(path, 10 * megabyte)],
  ["other", (path) => utimes(path, 1, 1)],
])("a file that becomes %s while it is sent is an error, and the body is not complete", async (_how, change) => {
  const path = await fileOf(Buffer.alloc(40 * megabyte));
  await using server = await rawServer();
  await using session = openSession();
  const pending = session.put(server.url("/x?secret"), { body: file(path) });
  const peer = await server.accept();
  await peer.take("\r\n\r\n");
  peer.socket.pause();
  await change(path);
  peer.socket.resume();
  await expect(pending).rejects.toMatchObject({
    code: "HTTP_FILE_CHANGED",
    path,
    message: `PUT ${server.url("/x")}: ${path} has changed while it was sent`,
  });
  await peer.closed;
  expect(peer.received.length).toBeLessThan(40 * megabyte);
  await untilClosed(path);
});

test("a file that is sent again is read again, as it is then", async () => {
  const path = await fileOf("first");
  await using server = await openFaultServer([faults.reset(), faults.busy({ status: 503 }), faults.ok("done")]);
  const beforeRetry = ({ attempt }: { attempt: number }): Promise<void> => writeFile(path, "x".repeat(attempt * 1_000));
  await using session = openSession({ retry: { backoff: () => 1 }, hooks: { beforeRetry } });
  expect(await (await session.put(server.url, { body: file(path) })).text()).toBe("done");
  expect(server.requests.map(({ body }) => body.length)).toEqual([5, 1_000, 2_000]);
  expect(server.requests[2]?.headers["content-length"]).toBe("2000");
  await untilClosed(path);
});

test("a redirect takes a file and a form along", async () => {
  const path = await fileOf(noise(100_000));
  await using server = await openFaultServer({ "/old": faults.redirect("/new", { status: 307 }), "/new": faults.ok() });
  await using session = openSession({ baseUrl: server.url });
  await session.put("/old", { body: file(path) });
  await session.put("/old", { body: multipart({ a: file(path) }) });
  const [first, second, third, fourth] = server.requests;
  expect(Buffer.from(second!.body).equals(noise(100_000))).toBe(true);
  expect([first!.body.length, third!.body.length]).toEqual([second!.body.length, fourth!.body.length]);
  await untilClosed(path);
});

test("hooks see the length of a file", async () => {
  const path = await fileOf("12345");
  const seen: (string | null)[] = [];
  await using server = await openFaultServer();
  const beforeRequest = ({ headers }: { headers: Headers }): void => void seen.push(headers.get("content-length"));
  await using session = openSession({ hooks: { beforeRequest } });
  await session.put(server.url, { body: file(path) });
  expect(seen).toEqual(["5"]);
});

test("a file goes over HTTP/2 as well", async () => {
  const path = await fileOf(noise(300_000));
  await using server = await openFaultServer(faults.ok(), { http2: true });
  await using session = openSession({ http2: true });
  await session.put(server.url, { body: file(path) });
  expect(server.requests[0]?.headers["content-length"]).toBe("300000");
  expect(Buffer.from(server.requests[0]!.body).equals(noise(300_000))).toBe(true);
  await untilClosed(path);
});

test("no more of a file is read than the server takes", async () => {
  const path = await fileOf(Buffer.alloc(64 * megabyte));
  await using server = await rawServer();
  await using session = openSession();
  const before = process.memoryUsage().arrayBuffers;
  const pending = session.put(server.origin, { body: file(path) });
  const peer = await server.accept();
  peer.socket.pause();
  await sleep(200);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30 * megabyte);
  peer.socket.removeAllListeners("data");
  let received = 0;
  peer.socket.on("data", (bytes) => (received += bytes.length));
  peer.socket.resume();
  while (received < 64 * megabyte) await sleep(5);
  peer.respond("x");
  expect(await (await pending).text()).toBe("x");
});

test("whatever ends a request closes its file", async () => {
  const path = await fileOf(Buffer.alloc(20 * megabyte));
  await using server = await openFaultServer({
    "/reset": faults.reset(),
    "/unread": faults.unread(),
    "/early": faults.early(faults.status(413)),
    "/hang": faults.hang(),
  });
  await using session = openSession({ baseUrl: server.url, retry: false });
  for (const body of [file(path), multipart({ a: "1", b: file(path) })]) {
    await expect(session.put("/reset", { body })).rejects.toMatchObject({ code: "HTTP_CONNECTION" });
    await untilClosed(path);
    await moveOnAfter(50, () => session.put("/unread", { body }));
    await untilClosed(path);
    await moveOnAfter(50, () => session.put("/hang", { body }));
    await untilClosed(path);
    await session.put("/early", { body }).then(
      (response) => response.discard(),
      () => {}, // The connection may be reset before the answer is read.
    );
    await untilClosed(path);
  }
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
});

test("streams in a form are closed, those that were never begun too", async () => {
  await using server = await rawServer();
  await using session = openSession({ limit: 1, retry: false });
  const [first, second] = [new PassThrough(), new PassThrough()];
  const pending = session.post(server.origin, { body: multipart({ a: first, b: second }) });
  const peer = await server.accept();
  await peer.take('name="a"');
  await cancelScope(async (scope) => {
    const third = new PassThrough();
    const path = await fileOf("x");
    const inLine = session.post(server.origin, { body: multipart({ a: file(path), b: third }) });
    scope.cancel();
    await inLine.catch(() => {});
    expect(third.destroyed).toBe(true);
  });
  const closed = [first, second].map((stream) => once(stream, "close"));
  peer.socket.resetAndDestroy();
  await expect(pending).rejects.toMatchObject({ code: "HTTP_CONNECTION" });
  await Promise.all(closed);
});

test("cancelled at any checkpoint, an upload leaves nothing behind, and no file open", async () => {
  const path = await fileOf(noise(200_000));
  await using server = await openFaultServer([faults.busy({ status: 503 }), faults.ok("done")]);
  const upload = async (): Promise<void> => {
    await using session = openSession({ retry: { backoff: () => 1 } });
    await (await session.put(server.url, { body: file(path) })).text();
    await (await session.put(server.url, { body: multipart({ a: "1", b: file(path) }) })).text();
  };
  await cancelEverywhere(upload);
  await untilClosed(path);
  await expectNoLeaks(upload);
  expect(server.requests.at(-1)?.isComplete).toBe(true);
});

test("a path is a path", () => {
  for (const path of ["", 5, null, {}]) expect(() => file(path as never)).toThrow("Expected `path` to be a path");
  expect(() => file("x", { type: "a\r\nb" })).toThrow("Expected `type` to be a media type");
  expect(() => file("x", { filename: 5 as never })).toThrow("Expected `filename` to be a string");
  expect(file("a/b.txt")).toMatchObject({ path: "a/b.txt", filename: "b.txt", type: undefined });
});

test("a server that answers before it has all of a form keeps its answer", async () => {
  await using server = await httpServer((request, response) => {
    response.end("early");
    request.resume();
  });
  await using session = openSession();
  const body = multipart({
    a: (async function* () {
      yield "x";
      await sleep(20);
      yield "y";
    })(),
  });
  expect(await (await session.post(server.origin, { body })).text()).toBe("early");
});
