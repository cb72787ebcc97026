import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { type ScopeNode, cancelScope, checkpoint, currentScope, drawTree, sleep, taskGroup } from "../core/index.ts";
import { faults, openFaultServer } from "../testing/index.ts";
import { type HttpError, type HttpHooks, type SessionOptions, fetchWhole, openSession } from "./index.ts";

test("beforeRequest may sign: it sees all that is sent, and may change the headers", async () => {
  await using server = await openFaultServer();
  const hooks: HttpHooks = {
    async beforeRequest({ method, url, headers, body }) {
      await sleep(1);
      const signed = `${method} ${url} ${headers.get("content-type")} ${String(body)}`;
      headers.set("x-signature", createHmac("sha256", "key").update(signed).digest("hex"));
      headers.delete("user-agent");
    },
  };
  await using session = openSession({ hooks });
  await session.post(`${server.url}/a?b=1`, { json: [1] });
  const expected = createHmac("sha256", "key").update(`POST ${server.url}/a?b=1 application/json [1]`).digest("hex");
  expect(server.requests[0]?.headers).toMatchObject({ "x-signature": expected, "content-type": "application/json" });
  expect(server.requests[0]?.headers).not.toHaveProperty("user-agent");
});

test("all are called in turn, for each attempt, whatever the answer", async () => {
  await using server = await openFaultServer([
    faults.status(503),
    faults.busy({ status: 429, retryAfter: 0.01 }),
    faults.reset(),
    faults.ok("done", { headers: { "x-a": "1" } }),
  ]);
  const log: string[] = [];
  const hooks: HttpHooks = {
    beforeRequest: ({ attempt }) => void log.push(`send ${attempt}`),
    afterResponse: ({ status, headers }, { attempt }) => void log.push(`${attempt}: ${status} ${headers.get("x-a")}`),
    beforeRetry: ({ attempt, status, error, delayMs }) =>
      void log.push(`again after ${attempt}: ${status ?? (error as { code: string }).code} ${delayMs >= 10}`),
  };
  await using session = openSession({ hooks, retry: { backoff: () => 1 } });
  expect(await (await session.get(server.url)).text()).toBe("done");
  expect(log.filter((line) => !line.startsWith("again after 3"))).toEqual([
    "send 1",
    "1: 503 null",
    "again after 1: 503 false",
    "send 2",
    "2: 429 null",
    "again after 2: 429 true",
    "send 3",
    "send 4",
    "4: 200 1",
  ]);
  expect(log).toContain("again after 3: HTTP_CONNECTION false");
});

test("what an attempt fails with is told, also where it is the last, and where nothing was sent", async () => {
  await using server = await openFaultServer(faults.reset());
  const log: unknown[] = [];
  const hooks: HttpHooks = {
    afterFailure: (error, { method, url, attempt }) => {
      log.push([(error as HttpError).code, method, url, attempt]);
    },
  };
  const session = openSession({ hooks, limit: 1, retry: { attempts: 2, backoff: () => 1 } });
  await expect(session.get(`${server.url}/?a=1`)).rejects.toMatchObject({ code: "HTTP_CONNECTION" });
  const late = session.get(server.url).catch((error: unknown) => error);
  await session[Symbol.asyncDispose]();
  expect(await late).toMatchObject({ code: "HTTP_SESSION_CLOSED" });
  expect(log).toEqual([
    ["HTTP_CONNECTION", "GET", `${server.url}/?a=1`, 1],
    ["HTTP_CONNECTION", "GET", `${server.url}/?a=1`, 2],
    ["HTTP_SESSION_CLOSED", "GET", `${server.url}/`, 1],
  ]);
});

test("neither a cancellation nor what hooks throw is told as a failure", async () => {
  await using server = await openFaultServer(faults.hang());
  const told: unknown[] = [];
  const hooks: HttpHooks = { afterFailure: (error) => void told.push(error) };
  await using session = openSession({ hooks });
  await cancelScope(async (scope) => {
    const request = session.get(server.url);
    await server.until(({ inFlight }) => inFlight === 1);
    scope.cancel();
    await request;
  });
  const failure = new Error("hook");
  const beforeRequest = (): never => {
    throw failure;
  };
  await using other = openSession({ hooks: { ...hooks, beforeRequest } });
  await expect(other.get(server.url)).rejects.toBe(failure);
  expect(told).toEqual([]);
});

test("they run in the scope of the request, for whole responses too", async () => {
  await using server = await openFaultServer();
  const scopes: unknown[] = [];
  const note = (): void => void scopes.push(currentScope());
  await using session = openSession({ limit: 1, hooks: { beforeRequest: note, afterResponse: note } });
  const order = session.orders.make("GET", server.url, undefined);
  const own: unknown[] = [];
  await taskGroup((group) => {
    for (let i = 0; i < 3; i++) {
      group.spawn(async () => {
        own.push(currentScope());
        await fetchWhole(session, order, true);
      });
    }
  });
  // Those of one request and of the next may take turns.
  const times = (scope: unknown): number => scopes.filter((one) => one === scope).length;
  expect(own.map(times)).toEqual([2, 2, 2]);
  expect(scopes.length).toBe(6);
});

test.each<keyof HttpHooks>(["beforeRequest", "afterResponse", "afterFailure", "beforeRetry"])(
  "what %s throws fails the request, as it is, and once",
  async (name) => {
    await using server = await openFaultServer(
      name === "afterFailure" ? faults.reset() : faults.status(503, "x".repeat(100)),
    );
    const failure = new Error("hook");
    let calls = 0;
    const hook = async (): Promise<never> => {
      calls++;
      await checkpoint();
      throw failure;
    };
    await using session = openSession({ limit: 1, hooks: { [name]: hook }, retry: { backoff: () => 0 } });
    await expect(session.get(server.url)).rejects.toBe(failure);
    await expect(session.get(server.url)).rejects.toBe(failure);
    expect(calls).toBe(2);
    expect(session.statistics().waiting).toBe(0);
  },
);

test("cancelled in a hook, the request gives its slot back", async () => {
  await using server = await openFaultServer();
  await using session = openSession({ limit: 1, hooks: { beforeRequest: () => sleep(60_000) } });
  await cancelScope((scope) =>
    taskGroup(async (group) => {
      group.spawn(() => session.get(server.url));
      await checkpoint();
      expect(drawTree(scope as ScopeNode)).toMatch(/GET 127\.0\.0\.1:\d+\/: preparing/);
      expect(session.statistics().active).toBe(1);
      scope.cancel();
    }),
  );
  expect([server.requests.length, session.statistics().active]).toEqual([0, 0]);
});

test("disposing of a session ends a request that a hook holds up", async () => {
  await using server = await openFaultServer();
  const held = Promise.withResolvers<void>();
  const session = openSession({ hooks: { beforeRequest: () => held.promise } });
  const outcome = session.get(server.url).catch((error: unknown) => error);
  await checkpoint();
  await session[Symbol.asyncDispose]();
  expect(await outcome).toMatchObject({ code: "HTTP_SESSION_CLOSED" });
  held.resolve();
  await checkpoint();
  expect(server.requests.length).toBe(0);
});

test("the time of a hook is none of the request's", async () => {
  await using server = await openFaultServer();
  await using session = openSession({ timeout: 400, retry: false, hooks: { beforeRequest: () => sleep(500) } });
  expect((await session.get(server.url)).status).toBe(200);
});

test("a header that cannot be sent fails the request", async () => {
  await using server = await openFaultServer();
  const hooks: HttpHooks = { beforeRequest: ({ headers }) => headers.set("transfer-encoding", "chunked") };
  await using session = openSession({ hooks });
  await expect(session.get(server.url)).rejects.toThrow("`transfer-encoding` is set by the connection");
});

test.each([3, null, { beforeRequest: 1 }])("refuses hooks: %o", (hooks) => {
  expect(() => openSession({ hooks } as unknown as SessionOptions)).toThrow(/^Expected `hooks/);
});
