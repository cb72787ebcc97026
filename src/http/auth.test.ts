import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cancelScope, checkpoint, sleep, taskGroup } from "../core/index.ts";
import { type FaultServer, faults, openFaultServer } from "../testing/index.ts";
import { type AuthOption, type SessionOptions, openSession } from "./index.ts";

/** The `Authorization` headers that came. */
function seen(server: FaultServer): (string | undefined)[] {
  return server.requests.map(({ headers }) => headers["authorization"]);
}

const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

test("a name and a password, and a token", async () => {
  await using server = await openFaultServer();
  await using named = openSession({ auth: { username: "mé", password: "a:b" } });
  await named.get(server.url);
  await using bearing = openSession({ auth: { bearer: "t0k" } });
  await bearing.get(server.url);
  expect(seen(server)).toEqual([basic("mé:a:b"), "Bearer t0k"]);
});

test("a request may have its own, or none; its header and its URL come first", async () => {
  await using server = await openFaultServer();
  await using session = openSession({ auth: { bearer: "session" } });
  await session.get(server.url, { auth: { bearer: "request" } });
  await session.get(server.url, { auth: false });
  await session.get(server.url, { headers: { authorization: "header" } });
  await session.get(server.url.replace("//", "//me:x@"));
  expect(seen(server)).toEqual(["Bearer request", undefined, "header", basic("me:x")]);
});

test("where there is a base URL, it is for its origin only", async () => {
  await using home = await openFaultServer();
  await using elsewhere = await openFaultServer();
  await using session = openSession({ baseUrl: home.url, auth: { bearer: "t" } });
  await session.get("/");
  await session.get(elsewhere.url);
  expect([seen(home), seen(elsewhere)]).toEqual([["Bearer t"], [undefined]]);
});

test("a function is asked for each attempt, and once more after a 401", async () => {
  await using server = await openFaultServer([
    faults.status(500),
    faults.status(401),
    faults.ok("in"),
    faults.status(401),
  ]);
  const asked: boolean[] = [];
  const auth: AuthOption = async ({ method, url, wasRefused }) => {
    await checkpoint();
    expect([method, url]).toEqual(["PUT", `${server.url}/?a=1`]);
    return `Bearer ${asked.push(wasRefused)}`;
  };
  await using session = openSession({ auth, limit: 1, retry: { backoff: () => 0 } });
  const first = await session.put(server.url, { query: { a: 1 }, json: {} });
  expect(await first.text()).toBe("in");
  expect(asked).toEqual([false, false, true]);
  const second = await session.put(server.url, { query: { a: 1 } });
  expect(second.status).toBe(401);
  expect(seen(server)).toEqual([1, 2, 3, 4, 5].map((n) => `Bearer ${n}`));
});

test("it has no slot yet, so that it may ask with the same session", async () => {
  await using server = await openFaultServer({ "/token": faults.ok("abc"), "/": faults.ok() });
  await using session = openSession({
    limit: 1,
    auth: async () => `Bearer ${await (await session.get(`${server.url}/token`, { auth: false })).text()}`,
  });
  await (await session.get(server.url)).text();
  expect(seen(server)).toEqual([undefined, "Bearer abc"]);
});

test("what it throws fails the request, and is not retried; the body is closed", async () => {
  await using server = await openFaultServer();
  await using session = openSession();
  let isClosed = false;
  const body = {
    [Symbol.iterator]: () => ["a"].values(),
    destroy: () => (isClosed = true),
  };
  const failure = new Error("no token");
  const auth = (): never => {
    throw failure;
  };
  await expect(session.post(server.url, { body, auth })).rejects.toBe(failure);
  expect([server.requests.length, isClosed]).toEqual([0, true]);
  // A failed request of its own is not one of this request.
  let calls = 0;
  const nested = async (): Promise<undefined> => {
    calls++;
    await session.get("http://nobody.invalid/", { auth: false, retry: false });
  };
  await expect(session.get(server.url, { auth: nested })).rejects.toMatchObject({ url: "http://nobody.invalid/" });
  expect(calls).toBe(1);
});

test("a header that cannot be sent is refused without being shown", async () => {
  await using session = openSession();
  const error = await session.get("http://127.0.0.1:1", { auth: () => "secret\n" }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
  expect(String(error)).not.toContain("secret");
});

test("cancelled while the function waits, the request ends with it", async () => {
  await using server = await openFaultServer();
  await using session = openSession({ auth: () => sleep(60_000).then(() => "x") });
  await cancelScope((scope) =>
    taskGroup(async (group) => {
      group.spawn(() => session.get(server.url));
      await checkpoint();
      scope.cancel();
    }),
  );
  expect([server.requests.length, session.statistics().active]).toEqual([0, 0]);
});

test("netrc: what the file says of the host", async () => {
  const folder = await mkdtemp(join(tmpdir(), "netrc-"));
  await using cleanup = new AsyncDisposableStack();
  const before = process.env["NETRC"];
  cleanup.defer(async () => {
    if (before === undefined) delete process.env["NETRC"];
    else process.env["NETRC"] = before;
    await rm(folder, { recursive: true });
  });
  process.env["NETRC"] = join(folder, "netrc");
  await using server = await openFaultServer();
  {
    await using session = openSession({ auth: "netrc" });
    await session.get(server.url);
  }
  await writeFile(process.env["NETRC"], "machine 127.0.0.1 login me password secret");
  await using session = openSession({ auth: "netrc" });
  await session.get(server.url);
  await session.get(server.url.replace("127.0.0.1", "localhost"));
  expect(seen(server)).toEqual([undefined, basic("me:secret"), undefined]);
});

test.each<[unknown, string]>([
  ["secret", 'Expected `auth` to be { username, password }, { bearer }, a function or "netrc", got "***" (string)'],
  [{ username: "a:b", password: "secret" }, "Expected `auth.username` to have no colon"],
  [{ username: "a" }, "Expected `auth` to be"],
  [{ bearer: "secret\n" }, "The header `authorization` has a character"],
])("refuses auth: %o", (auth, message) => {
  expect(() => openSession({ auth } as SessionOptions)).toThrow(message);
  expect(() => openSession({ auth } as SessionOptions)).not.toThrow("secret");
});
