import fc from "fast-check";
import { expect, test } from "vitest";
import { thrownBy } from "../../test/core/helpers.ts";
import {
  ContextVar,
  type ScopeNode,
  cancelScope,
  checkpoint,
  drawTree,
  sleep,
  taskGroup,
  timeout,
} from "../core/index.ts";
import { RetryBudget } from "../flow/index.ts";
import {
  type Fault,
  type FaultRequest,
  type FaultServer,
  faults,
  openFaultServer,
  withVirtualTime,
} from "../testing/index.ts";
import {
  CookieJar,
  type HttpRequestOptions,
  type HttpRetryOptions,
  type Session,
  type SessionOptions,
  fetchWhole,
  openSession,
} from "./index.ts";

const quick: HttpRetryOptions = { backoff: () => 1, attempts: 5 };
const open = (options: SessionOptions = {}): Session => openSession({ retry: quick, ...options });

/** How a file is served. */
interface Serving {
  readonly etag?: string;
  readonly headers?: Record<string, string>;
  /** Without a length: in chunks. */
  readonly isChunked?: boolean;
  /** After how many bytes of its body each answer breaks off; those that are not in here do not. */
  readonly cuts?: readonly number[];
  /** What is said of a part, in place of the truth. */
  readonly part?: (first: number, last: number) => { status?: number; headers?: Record<string, string | undefined> };
  /** What the file is by then. */
  readonly changed?: { readonly fromRequest: number; readonly content: string; readonly etag: string };
}

/** A file, as servers of files serve it, on connections that break. */
function serving(content: string, serve: Serving = {}): (request: FaultRequest) => Fault {
  return ({ headers, number }) => {
    const { changed } = serve;
    const now =
      changed !== undefined && number >= changed.fromRequest ? changed : { content, etag: serve.etag ?? '"1"' };
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(String(headers["range"])) ?? [];
    const isPart = from !== undefined && (headers["if-range"] ?? now.etag) === now.etag;
    const first = isPart ? Number(from) : 0;
    const last = isPart && to !== "" ? Number(to) : now.content.length - 1;
    const body = now.content.slice(first, last + 1);
    const own: Record<string, string | undefined> = {
      etag: now.etag,
      "accept-ranges": "bytes",
      ...(serve.isChunked !== true && { "content-length": `${body.length}` }),
      ...(isPart && { "content-range": `bytes ${first}-${last}/${now.content.length}` }),
      ...serve.headers,
    };
    const other = isPart ? serve.part?.(first, last) : undefined;
    const cut = serve.cuts?.[number - 1];
    return {
      name: isPart ? "part" : "whole",
      async play(wire) {
        const given = Object.entries({ ...own, ...other?.headers }).filter((pair) => pair[1] !== undefined);
        const its = Object.fromEntries(given) as Record<string, string>;
        const framing = "content-length" in its ? "length" : "chunked";
        if (framing === "chunked") its["transfer-encoding"] = "chunked";
        await wire.head({ status: other?.status ?? (isPart ? 206 : 200), headers: its, framing });
        await wire.body(cut === undefined ? body : body.slice(0, cut));
        await (cut === undefined ? wire.finish() : wire.end(number % 2 === 0 ? "close" : "reset"));
      },
    };
  };
}

const elsewhere: Serving["part"] = (first, last) => ({ headers: { "content-range": `bytes ${first + 1}-${last}/*` } });

const text = Array.from({ length: 5_000 }, (_, i) => `line ${i}\n`).join("");
const ranges = (server: FaultServer): (string | undefined)[] => server.requests.map(({ headers }) => headers["range"]);

test.each<[string, (session: Session, url: string) => Promise<string>]>([
  ["text()", async (session, url) => (await session.get(url)).text()],
  ["bytes()", async (session, url) => Buffer.from(await (await session.get(url)).bytes()).toString()],
  ["body", async (session, url) => Buffer.concat(await Array.fromAsync((await session.get(url)).body)).toString()],
  ["lines()", async (session, url) => (await Array.fromAsync((await session.get(url)).lines())).join("\n") + "\n"],
])("a body that breaks off is read on to its end: %s", async (_name, read) => {
  await using server = await openFaultServer(serving(text, { cuts: [20_000, 0, 10_000] }));
  await using session = open();
  expect(await read(session, server.url)).toBe(text);
  expect(ranges(server)).toEqual([
    undefined,
    ...[20_000, 20_000, 30_000].map((at) => `bytes=${at}-${text.length - 1}`),
  ]);
  expect(server.requests[1]!.headers).toMatchObject({ "if-range": '"1"', "accept-encoding": "identity" });
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
});

test("a response that nobody reads yet is read on when somebody does, and holds nothing meanwhile", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [100] }));
  await using session = open();
  const response = await session.get(server.url);
  await server.until(({ inFlight, openConnections }) => inFlight === 0 && openConnections === 0);
  while (session.statistics().active > 0) await sleep(1);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
  expect(await response.text()).toBe(text);
});

test("a body of unknown length is read on to the end of the whole", async () => {
  await using server = await openFaultServer(({ headers, ...request }) =>
    serving(text, { cuts: [5_000], isChunked: headers["range"] === undefined })({ headers, ...request }),
  );
  await using session = open();
  expect(await (await session.get(server.url)).text()).toBe(text);
  expect(ranges(server)).toEqual([undefined, "bytes=5000-"]);
});

test("a part that was asked for is read on to the end of that part", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [500, 500] }));
  await using session = open();
  const response = await session.get(server.url, { headers: { range: "bytes=1000-2999" } });
  expect([response.status, await response.text()]).toEqual([206, text.slice(1_000, 3_000)]);
  expect(ranges(server)).toEqual(["bytes=1000-2999", "bytes=1500-2999", "bytes=2000-2999"]);
});

test("silence is a break too, and the time for the next byte starts again", async () => {
  const stalled = serving(text);
  await using server = await openFaultServer((request) => {
    const whole = stalled(request);
    if (request.number > 1) return whole;
    return {
      name: "stalled",
      async play(wire) {
        const headers = { etag: '"1"', "accept-ranges": "bytes", "content-length": `${text.length}` };
        await wire.head({ status: 200, headers });
        await wire.body(text.slice(0, 1_000));
        await sleep(Infinity);
      },
    };
  });
  await using session = open({ timeout: { idleMs: 150 } });
  expect(await (await session.get(server.url)).text()).toBe(text);
  expect(ranges(server)[1]).toBe(`bytes=1000-${text.length - 1}`);
});

test("works for whole responses", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [20_000, 0, 10_000] }));
  await using session = open();
  const order = session.orders.make("GET", server.url, undefined);
  const whole = await fetchWhole(session, order, true);
  expect(Buffer.concat(whole.chunks).toString()).toBe(text);
  expect([whole.status, whole.bodyBytes, whole.headers["content-range"]]).toEqual([200, text.length, undefined]);
  expect(ranges(server).slice(1)).toEqual([20_000, 20_000, 30_000].map((at) => `bytes=${at}-${text.length - 1}`));
  expect((await fetchWhole(session, order, false)).bodyBytes).toBe(text.length);
});

test("a whole response goes on also after a failure in between", async () => {
  const files = serving(text, { cuts: [20_000] });
  const between = [faults.reset(), faults.status(503), faults.busy({ status: 429, retryAfter: 0.01 })];
  await using server = await openFaultServer((request) => between[request.number - 2] ?? files(request));
  await using session = open();
  const whole = await fetchWhole(session, session.orders.make("GET", server.url, undefined), true);
  expect(Buffer.concat(whole.chunks).toString()).toBe(text);
  expect(ranges(server).slice(1)).toEqual(Array(4).fill(`bytes=20000-${text.length - 1}`));
});

test("a whole response of a file that has changed meanwhile is the new one", async () => {
  const changed = { fromRequest: 2, content: "new", etag: '"2"' };
  await using server = await openFaultServer(serving(text, { cuts: [20_000], changed }));
  await using session = open();
  const whole = await fetchWhole(session, session.orders.make("GET", server.url, undefined), true);
  expect([Buffer.concat(whole.chunks).toString(), whole.headers["etag"]]).toEqual(["new", '"2"']);
});

test("a whole response whose rest is not to be had is asked for from the beginning", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [20_000], part: elsewhere }));
  await using session = open();
  const whole = await fetchWhole(session, session.orders.make("GET", server.url, undefined), true);
  expect(Buffer.concat(whole.chunks).toString()).toBe(text);
  expect(ranges(server)).toEqual([undefined, `bytes=20000-${text.length - 1}`, undefined]);
});

// Where it is not to be had, or not safe.

test.each<[string, Serving, SessionOptions, HttpRequestOptions]>([
  ["there is no ETag", { headers: { etag: "" } }, {}, {}],
  ["the ETag is weak", { etag: 'W/"1"' }, {}, {}],
  ["the server does not say that it sends parts", { headers: { "accept-ranges": "none" } }, {}, {}],
  ["retries are off for the session", {}, { retry: false }, {}],
  ["retries are off for the request", {}, {}, { retry: false }],
  ["there is one attempt", {}, { retry: { attempts: 1 } }, {}],
  ["the budget is used up", {}, { retry: { ...quick, budget: new RetryBudget({ ratio: 0, minPerSecond: 0 }) } }, {}],
])("it is not read on where %s", async (_name, serve, options, own) => {
  await using server = await openFaultServer(serving(text, { cuts: [1_000], ...serve }));
  await using session = open(options);
  const response = await session.get(server.url, own);
  await expect(response.text()).rejects.toMatchObject({ code: "HTTP_CONNECTION", phase: "response" });
  expect(server.requests.length).toBe(1);
  expect(session.statistics().active).toBe(0);
});

test("an answer to a POST is not read on", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [1_000] }));
  await using session = open();
  const response = await session.post(server.url, { headers: { "idempotency-key": "1" } });
  await expect(response.text()).rejects.toMatchObject({ code: "HTTP_CONNECTION" });
  expect(server.requests.length).toBe(1);
});

test.each<[string, Serving]>([
  ["the file has changed", { changed: { fromRequest: 2, content: text.toUpperCase(), etag: '"2"' } }],
  ["it begins elsewhere", { part: elsewhere }],
  ["it ends elsewhere", { part: (first, last) => ({ headers: { "content-range": `bytes ${first}-${last - 1}/*` } }) }],
  ["it does not say what it is", { part: () => ({ headers: { "content-range": undefined } }) }],
  ["it is of something else", { part: () => ({ headers: { etag: '"2"' } }) }],
  ["it is compressed", { part: () => ({ headers: { "content-encoding": "gzip" } }) }],
  ["it has no length", { part: () => ({ headers: { "content-length": undefined } }) }],
  ["it is no part", { part: () => ({ status: 200 }) }],
  ["there is none", { part: () => ({ status: 416 }) }],
  ["it is gone", { part: () => ({ status: 404 }) }],
  ["it leads elsewhere", { part: () => ({ status: 302, headers: { location: "/" } }) }],
])("an answer that is not the rest is not taken for it: %s", async (_name, serve) => {
  await using server = await openFaultServer(serving(text, { cuts: [1_000], ...serve }));
  await using session = open();
  const response = await session.get(server.url);
  const error = await thrownBy(response.text());
  expect(error).toMatchObject({ code: "HTTP_CONNECTION", phase: "response" });
  expect(server.requests.length).toBe(2);
  await expect(response.text()).rejects.toThrow("the body has been read already");
  expect(session.statistics().active).toBe(0);
});

test("it is read on as often as there are attempts", async () => {
  await using server = await openFaultServer(serving(text, { cuts: Array(10).fill(1_000) }));
  await using session = open({ retry: { ...quick, attempts: 4 } });
  const response = await session.get(server.url);
  const pieces: string[] = [];
  const reading = async (): Promise<void> => {
    for await (const chunk of response.body) pieces.push(Buffer.from(chunk).toString());
  };
  await expect(reading()).rejects.toMatchObject({ code: "HTTP_CONNECTION", phase: "response" });
  expect([pieces.join(""), server.requests.length]).toEqual([text.slice(0, 4_000), 4]);
});

test("a server that cannot be reached any more is why the body breaks off, and that is what is thrown", async () => {
  const files = serving(text, { cuts: [1_000] });
  await using server = await openFaultServer((request) => (request.number === 1 ? files(request) : faults.reset()));
  await using session = open({ retry: { ...quick, attempts: 3 } });
  const response = await session.get(server.url);
  await expect(response.text()).rejects.toMatchObject({ code: "HTTP_CONNECTION", phase: "response" });
  expect(server.requests.length).toBe(3);
});

test("the body is not longer than allowed, with all its parts", async () => {
  await using server = await openFaultServer(({ headers, ...request }) =>
    serving(text, { cuts: [5_000, 1_000], isChunked: headers["range"] === undefined })({ headers, ...request }),
  );
  await using session = open({ maxBodyBytes: text.length - 1 });
  const response = await session.get(server.url);
  await expect(response.text()).rejects.toMatchObject({ code: "HTTP_BODY_TOO_LARGE", maxBytes: text.length - 1 });
  const order = session.orders.make("GET", server.url, undefined);
  await expect(fetchWhole(session, order, true)).rejects.toMatchObject({ code: "HTTP_BODY_TOO_LARGE" });
  expect(session.statistics().active).toBe(0);
});

// Together with the rest.

test("the rest is asked for with all that belongs to the request, and hooks are told", async () => {
  const files = serving(text, { cuts: [1_000] });
  await using server = await openFaultServer((request) =>
    request.path === "/" ? faults.redirect("/file") : files({ ...request, number: request.number - 1 }),
  );
  const log: string[] = [];
  const tenant = new ContextVar<string>("tenant", { default: "nobody" });
  await using session = open({
    auth: { bearer: "secret" },
    cookies: new CookieJar(),
    hooks: {
      beforeRequest: ({ url, headers }) =>
        void log.push(`${new URL(url).pathname} ${headers.get("range")} ${tenant.get()}`),
      beforeRetry: ({ error }) => void log.push((error as { phase: string }).phase),
    },
  });
  session.cookies!.set("a=1", server.url);
  const got = await tenant.run("me", async () => (await session.get(server.url, { headers: { "x-a": "1" } })).text());
  expect(got).toBe(text);
  expect(server.requests.at(-1)!.headers).toMatchObject({ authorization: "Bearer secret", cookie: "a=1", "x-a": "1" });
  expect(log).toEqual(["/ null me", "/file null me", "response", `/file bytes=1000-${text.length - 1} me`]);
});

test("at another origin the rest is asked for without the credentials that stayed behind", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [1_000] }));
  await using first = await openFaultServer(faults.redirect(server.url));
  await using session = open({ auth: { bearer: "secret" } });
  expect(await (await session.get(first.url)).text()).toBe(text);
  expect(server.requests.map(({ headers }) => headers["authorization"])).toEqual([undefined, undefined]);
  expect(first.requests[0]!.headers["authorization"]).toBe("Bearer secret");
});

test("a body that was read on is not kept in the cache, and does no harm there", async () => {
  const headers = { "cache-control": "max-age=60" };
  await using server = await openFaultServer(serving(text, { cuts: [1_000], headers }));
  await using session = open({ cache: true });
  for (const use of [undefined, undefined, "fresh"]) {
    const response = await session.get(server.url);
    expect([await response.text(), response.fromCache]).toEqual([text, use]);
  }
});

test("works over HTTP/2", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [20_000] }), { tls: "valid", http2: true });
  await using session = open({ http2: "auto", tls: { ca: server.authority } });
  expect(await (await session.get(server.url)).text()).toBe(text);
  expect(server.requests.length).toBe(2);
});

test("each attempt has a slot of its own, and others may go in between", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [1_000, 1_000, 1_000, 1_000] }));
  await using session = open({ limit: 1 });
  const texts = await Promise.all(Array.from({ length: 4 }, async () => (await session.get(server.url)).text()));
  expect(texts).toEqual(Array(4).fill(text));
  expect(server.statistics().mostInFlight).toBe(1);
});

// Cancelled, closed, given up.

test.each<[string, Fault]>([
  ["before the answer", faults.hang()],
  [
    "within it",
    {
      name: "half of the rest",
      async play(wire) {
        const headers = {
          etag: '"1"',
          "content-range": `bytes 1000-${text.length - 1}/*`,
          "content-length": `${text.length - 1_000}`,
        };
        await wire.head({ status: 206, headers });
        await wire.body("more");
        await sleep(Infinity);
      },
    },
  ],
])("cancelled while the rest is asked for, %s, nothing is left", async (_name, second) => {
  const files = serving(text, { cuts: [1_000] });
  await using server = await openFaultServer((request) => (request.number === 1 ? files(request) : second));
  await using session = open();
  const outcome = await cancelScope((scope) =>
    taskGroup(async (group) => {
      group.spawn(async () => (await session.get(server.url)).text());
      await server.until(({ requests }) => requests === 2);
      await sleep(10);
      scope.cancel();
    }),
  );
  expect(outcome).toBeUndefined();
  await server.until(({ openConnections }) => openConnections === 0);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("cancelled while it waits to ask for the rest, nothing is asked for", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [1_000] }));
  await using session = open({ retry: { backoff: () => 60_000 } });
  await cancelScope((scope) =>
    taskGroup(async (group) => {
      group.spawn(async () => (await session.get(server.url)).text());
      const label = /GET 127\.0\.0\.1:\d+\/: to be sent again in 60 s \(ECONNRESET\)/;
      while (!label.test(drawTree(scope as ScopeNode))) await sleep(1);
      scope.cancel();
    }),
  );
  expect([server.requests.length, session.statistics().active]).toEqual([1, 0]);
});

test("a wait that would last until the deadline is not begun", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [1_000] }));
  await using session = open({ retry: { backoff: () => 60_000 } });
  const reading = timeout(30_000, async () => (await session.get(server.url)).text());
  await expect(reading).rejects.toMatchObject({ code: "HTTP_CONNECTION", phase: "response" });
});

test("cancelled at any moment, nothing is left", async () => {
  await using server = await openFaultServer((request) =>
    serving(text, { cuts: [1_000] })({ ...request, number: request.headers["range"] === undefined ? 1 : 2 }),
  );
  await using session = open({ retry: { ...quick, budget: new RetryBudget({ ratio: 1, minPerSecond: 1_000 }) } });
  let finished = 0;
  for (let turns = 0; turns < 60; turns++) {
    await cancelScope((scope) =>
      taskGroup(async (group) => {
        group.spawn(async () => {
          expect(await (await session.get(server.url)).text()).toBe(text);
          finished++;
        });
        for (let i = 0; i < turns; i++) await checkpoint();
        scope.cancel();
      }),
    );
    expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
  }
  expect(finished).toBeLessThan(60);
});

test("while the rest is asked for, nobody else can read, and to close the response ends it", async () => {
  const files = serving(text, { cuts: [1_000] });
  await using server = await openFaultServer((request) =>
    request.number === 1 ? files(request) : faults.delayed(30, files(request)),
  );
  await using session = open();
  const response = await session.get(server.url);
  const reading = thrownBy(response.text());
  await server.until(({ requests }) => requests === 2);
  await expect(response.text()).rejects.toThrow("the body is being read by another task");
  response[Symbol.dispose]();
  expect(await reading).toMatchObject({ code: "HTTP_RESPONSE_CLOSED" });
  while (session.statistics().active > 0) await sleep(1);
});

test("given up within the rest, its connection is closed; and discarded before, nothing is asked for", async () => {
  await using server = await openFaultServer(serving("x".repeat(1_000_000), { cuts: [1_000] }));
  await using session = open();
  let bytes = 0;
  for await (const chunk of (await session.get(server.url)).body) if ((bytes += chunk.length) > 50_000) break;
  await server.until(({ openConnections }) => openConnections === 0);
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
  await using other = await openFaultServer(serving(text, { cuts: [1_000] }));
  const response = await session.get(other.url);
  await other.until(({ openConnections }) => openConnections === 0);
  await response.discard();
  await expect(response.text()).rejects.toMatchObject({ code: "HTTP_RESPONSE_CLOSED" });
  expect(other.requests.length).toBe(1);
});

test("disposing of the session ends what asks for the rest", async () => {
  const files = serving(text, { cuts: [1_000] });
  await using server = await openFaultServer((request) => (request.number === 1 ? files(request) : faults.hang()));
  const session = open();
  const reading = thrownBy((async () => (await session.get(server.url)).text())());
  await server.until(({ requests }) => requests === 2);
  await session[Symbol.asyncDispose]();
  expect(await reading).toMatchObject({ code: "HTTP_CONNECTION", phase: "response" });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("wherever connections break: what is read is the file, or the beginning of it and an error", async () => {
  let serve: (request: FaultRequest) => Fault = serving(text);
  let asked = 0;
  await using server = await openFaultServer((request) => serve({ ...request, number: ++asked }));
  await using session = open({ retry: { ...quick, budget: new RetryBudget({ ratio: 1, minPerSecond: 10_000 }) } });
  const cuts = fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 7 });
  const changed = fc.option(fc.integer({ min: 2, max: 4 }));
  await fc.assert(
    fc.asyncProperty(cuts, changed, fc.boolean(), fc.boolean(), async (at, change, isChunked, isWhole) => {
      const content = text.slice(0, 6_000);
      const other = { content: content.toUpperCase(), etag: '"2"' };
      asked = 0;
      serve = (request) =>
        serving(content, {
          cuts: at,
          isChunked: isChunked && request.headers["range"] === undefined,
          ...(change !== null && { changed: { fromRequest: change, ...other } }),
        })(request);
      let got = "";
      let failure: { code?: string } | undefined;
      try {
        if (isWhole) {
          const whole = await fetchWhole(session, session.orders.make("GET", server.url, undefined), true);
          got = Buffer.concat(whole.chunks).toString();
        } else {
          for await (const chunk of (await session.get(server.url)).body) got += Buffer.from(chunk).toString();
        }
      } catch (error) {
        failure = error as { code?: string };
      }
      const isOfOne = content.startsWith(got) || other.content.startsWith(got);
      const isWholeFile = got.length === 6_000;
      expect([isOfOne, failure?.code]).toEqual([true, isWholeFile ? undefined : "HTTP_CONNECTION"]);
    }),
    { numRuns: 100 },
  );
  // What was not taken for the rest may still be passing by.
  while (session.statistics().active > 0) await sleep(1);
});

test("under virtual time the wait before the rest takes none", async () => {
  await using server = await openFaultServer(serving(text, { cuts: [1_000] }));
  const got = await withVirtualTime(async () => {
    await using session = open({ retry: { backoff: () => 3_000_000, maxTimeMs: Infinity } });
    const whole = await (await session.get(server.url)).text();
    return whole;
  });
  expect(got).toBe(text);
});
