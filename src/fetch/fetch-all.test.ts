import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { httpServer } from "../../test/http-server.ts";
import { now, run, taskGroup } from "../index.ts";
import { faults, openFaultServer, withVirtualTime } from "../testing/index.ts";
import { type FetchAllOptions, type FetchInput, type FetchOutcome, fetchAll } from "./index.ts";

function echo(request: IncomingMessage, response: ServerResponse): void {
  response.end(request.url);
}

async function all(
  requests: Iterable<FetchInput> | AsyncIterable<FetchInput>,
  options?: FetchAllOptions,
): Promise<FetchOutcome[]> {
  const outcomes: FetchOutcome[] = [];
  for await (const outcome of fetchAll(requests, options)) outcomes.push(outcome);
  return outcomes.toSorted((a, b) => a.index - b.index);
}

/** When outcomes come, in tenths of seconds of virtual time; -1 for failures. */
async function timesOf(requests: FetchInput[], options: FetchAllOptions): Promise<number[]> {
  const seen: number[] = [];
  await withVirtualTime(async () => {
    for await (const outcome of fetchAll(requests, options)) seen.push(outcome.ok ? Math.round(now() / 100) : -1);
  });
  return seen;
}

const atOnce = { baseMs: 0 };

describe("fetchAll", () => {
  test("yields the answer of each request", async () => {
    await using server = await httpServer(echo);
    const requests = [
      server.url("/a"),
      new URL(server.url("/b")),
      { url: server.url("/c"), id: "mine", method: "put" },
    ];
    const outcomes = await all(requests);
    expect(outcomes).toMatchObject([
      { index: 0, id: 0, ok: true, status: 200, attempts: 1, error: undefined },
      { index: 1, id: 1 },
      { index: 2, id: "mine" },
    ]);
    expect(outcomes.map(({ request }) => request)).toEqual(requests);
    expect(outcomes.map((outcome) => outcome.error === undefined && outcome.text())).toEqual(["/a", "/b", "/c"]);
  });

  test("yields a failure for what has no answer, and for what is no request", async () => {
    const outcomes = await all(["http://127.0.0.1:1/", "nonsense", { url: "http://a/", method: "" }, 5 as never], {
      retry: atOnce,
    });
    expect(outcomes).toMatchObject([
      { ok: false, status: undefined, attempts: 3, error: { code: "ECONNREFUSED" } },
      { ok: false, attempts: 0, error: { code: "INVALID_REQUEST" } },
      { error: { message: "Expected `method` to be an HTTP method, got ''" } },
      { error: { message: "Expected a URL or an object with one, got number" } },
    ]);
  });

  test("says of an answer that broke off which status it had", async () => {
    await using server = await openFaultServer(faults.shortBody());
    const [outcome] = await all([server.url], { retry: { attempts: 1 } });
    expect(outcome).toMatchObject({ ok: false, status: undefined, error: { code: "HTTP_CONNECTION", status: 200 } });
  });

  test("sends the headers of all, and those of the one request in their place", async () => {
    await using server = await httpServer((request, response) => {
      response.end(JSON.stringify(request.headers));
    });
    const requests = [server.url("/"), { url: server.url("/"), headers: { "x-one": "own", "User-Agent": "me" } }];
    const outcomes = await all(requests, { headers: { "X-One": "common" } });
    expect(outcomes.map((outcome) => outcome.error === undefined && outcome.json())).toMatchObject([
      { "x-one": "common", "user-agent": "taskwright" },
      { "x-one": "own", "user-agent": "me" },
    ]);
  });

  test("never asks the source for more than there are slots, and no more while nobody reads", async () => {
    const allAnswered = Promise.withResolvers<void>();
    let answered = 0;
    await using server = await httpServer((_request, response) => {
      response.end();
      if (++answered === 6) allAnswered.resolve();
    });
    let given = 0;
    function* endless(): Generator<string> {
      for (;;) yield server.url(`/${given++}`);
    }
    const stream = fetchAll(endless(), { concurrency: 5, perHost: 100 });
    await stream.next();
    await allAnswered.promise;
    for (let turns = 0; turns < 100; turns++) await turn();
    // One was read, so five others have taken the slots.
    expect({ given, answered }).toEqual({ given: 6, answered: 6 });
    await stream.return();
  });

  test("takes requests from an async source one by one, and tells it when no more are wanted", async () => {
    await using server = await httpServer(echo);
    let isClosed = false;
    async function* source(): AsyncGenerator<string> {
      try {
        for (let index = 0; ; index++) {
          await turn();
          yield server.url(`/${index}`);
        }
      } finally {
        isClosed = true;
      }
    }
    const seen: string[] = [];
    for await (const outcome of fetchAll(source())) {
      if (outcome.error === undefined) seen.push(outcome.text());
      if (seen.length === 10) break;
    }
    expect(seen).toHaveLength(10);
    expect(isClosed).toBe(true);
  });

  test("keeps memory bounded for sources that give nothing but nonsense", async () => {
    let given = 0;
    function* endless(): Generator<string> {
      for (;;) yield `nonsense ${given++}`;
    }
    const stream = fetchAll(endless(), { concurrency: 5 });
    await stream.next();
    expect(given).toBeLessThanOrEqual(6);
    await stream.next();
    await stream.return();
  });

  test("throws what the source threw, after the outcomes that were there", async () => {
    const broken = (function* (): Generator<string> {
      yield "nonsense";
      throw new Error("the source is broken");
    })();
    const stream = fetchAll(broken);
    expect(await stream.next()).toMatchObject({ value: { error: { code: "INVALID_REQUEST" } } });
    await expect(stream.next()).rejects.toThrow("the source is broken");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("takes what is on the wire off it when the reader leaves", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await httpServer((request, response) => {
      if (request.url === "/quick") response.end();
      else arrived.resolve();
    });
    const stream = fetchAll([server.url("/quick"), server.url("/slow")]);
    for await (const outcome of stream) {
      expect(outcome.ok).toBe(true);
      await arrived.promise;
      break;
    }
    await Promise.all(server.peers.map((peer) => peer.closed));
  });

  test("takes what is on the wire off it when its scope is cancelled", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await httpServer(() => arrived.resolve());
    const reading = run(
      (scope) =>
        taskGroup(async (group) => {
          group.spawn(() => all([server.url("/slow")]));
          await arrived.promise;
          scope.cancel();
        }),
      { signals: false },
    );
    expect(await reading).toBeUndefined();
    await Promise.all(server.peers.map((peer) => peer.closed));
  });

  test("asks again what may pass, after waits that are drawn, and no longer than it may", async () => {
    const drawn: number[] = [];
    const random = (): number => {
      drawn.push(0);
      return 0;
    };
    await using server = await httpServer((_request, response) => {
      response.writeHead(503).end();
    });
    const outcomes = await all([server.url("/")], { retry: { attempts: 4, random } });
    expect(outcomes).toMatchObject([{ status: 503, ok: false, attempts: 4 }]);
    expect(drawn).toHaveLength(3);
  });

  test("gives the slot of a request that waits to be asked again to others", async () => {
    const order: string[] = [];
    await using server = await httpServer((request, response) => {
      order.push(request.url!);
      const isFirst = order.filter((url) => url === "/a").length === 1;
      response.writeHead(request.url === "/a" && isFirst ? 503 : 200).end();
    });
    const urls = ["/a", "/b", "/c"].map((path) => server.url(path));
    const retry = { baseMs: 60_000, maxMs: 60_000, random: () => 0.5 };
    const outcomes = await withVirtualTime(() => all(urls, { concurrency: 1, retry }));
    expect(order).toEqual(["/a", "/b", "/c", "/a"]);
    expect(outcomes).toMatchObject([{ attempts: 2 }, { attempts: 1 }, { attempts: 1 }]);
    expect(outcomes[0]!.timings.totalMs).toBeGreaterThanOrEqual(30_000);
  });

  test("stops when more fail than may, and says so after the outcomes there are", async () => {
    let asked = 0;
    await using server = await httpServer((_request, response) => {
      asked++;
      response.writeHead(404).end();
    });
    const seen: FetchOutcome[] = [];
    const reading = (async () => {
      const urls = Array<string>(1_000).fill(server.url("/"));
      for await (const outcome of fetchAll(urls, { maxFailures: 5, concurrency: 3 })) seen.push(outcome);
    })();
    const error = await reading.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "FETCH_TOO_MANY_FAILURES", failed: seen.length, done: seen.length });
    expect(seen.length).toBeGreaterThanOrEqual(6);
    expect(asked).toBe(seen.length);
    expect(asked).toBeLessThanOrEqual(9);
    expect(await all(Array<string>(5).fill(server.url("/")), { maxFailures: 5 })).toHaveLength(5);
  });

  test("keeps to rates and weights", async () => {
    await using server = await httpServer((request, response) => {
      response.end(JSON.stringify({ usage: { total_tokens: request.method === "POST" ? 50 : 0 } }));
    });
    const url = server.url("/");
    const rate = { limit: 10, perMs: 1_000 };
    expect(await timesOf([url, url, url], { rate })).toEqual([0, 1, 2]);
    expect(await timesOf([url, url, url], { ratePerHost: rate })).toEqual([0, 1, 2]);
    expect(await timesOf([url, url, url], { ratePerHost: { ...rate, burst: 2 } })).toEqual([0, 0, 1]);
    const posts = [1, 2, 3].map((body) => ({ url, body }));
    const tokens = { limit: 100, perMs: 1_000, burst: 10, estimate: 10 };
    // One goes at once; when it has used 50, the next waits for 40 to be paid off, and for its own 10.
    expect(await timesOf(posts, { tokens, concurrency: 1 })).toEqual([0, 5, 10]);
    const weights = [{ limit: 100, perMs: 1_000, burst: 30, estimate: () => 30 }];
    expect(await timesOf(posts, { weights })).toEqual([0, 3, 6]);
  });

  test("waits out what hosts ask for, without using up attempts, whatever the method", async () => {
    let asked = 0;
    await using server = await httpServer((_request, response) => {
      if (++asked <= 5) response.writeHead(429, { "retry-after": "30" });
      response.end("done");
    });
    const outcomes = await withVirtualTime(() =>
      all([{ url: server.url("/"), body: "x" }], { retry: { attempts: 1 } }),
    );
    expect(outcomes).toMatchObject([{ status: 200, attempts: 6 }]);
    expect(outcomes[0]!.timings.totalMs).toBeGreaterThanOrEqual(150_000);
  });

  test("asks any method again, if that is wanted", async () => {
    let asked = 0;
    await using server = await httpServer((_request, response) => {
      response.writeHead(++asked === 1 ? 500 : 200).end();
    });
    const post = { url: server.url("/"), body: "x" };
    expect(await all([post], { retry: atOnce })).toMatchObject([{ status: 500, attempts: 1 }]);
    asked = 0;
    expect(await all([post], { retry: { ...atOnce, anyMethod: true } })).toMatchObject([{ status: 200, attempts: 2 }]);
  });

  test("lets a host that hangs hold up no others", async () => {
    const held: ServerResponse[] = [];
    let isHolding = true;
    await using slow = await httpServer((_request, response) => {
      if (isHolding) held.push(response);
      else response.end();
    });
    await using quick = await httpServer(echo);
    const urls = [...Array(200).keys()].map((index) => (index % 2 === 0 ? slow : quick).url(`/${index}`));
    let seen = 0;
    for await (const outcome of fetchAll(urls, { concurrency: 20 })) {
      expect(outcome.ok).toBe(true);
      if (++seen !== 100) continue;
      expect(held).toHaveLength(10);
      isHolding = false;
      for (const response of held) response.end();
    }
    expect(seen).toBe(200);
  });

  test.each([
    [{ session: { http2: "yes" as never } }, 'Expected `http2` to be a boolean or "auto", got "yes" (string)'],
    [{ concurrency: 0 }, "Expected `concurrency` to be an integer of 1 or more, got `0` (number)"],
    [{ timeoutMs: -1 }, "Expected `timeoutMs` to be milliseconds, 0 or more, got `-1` (number)"],
    [{ rate: { limit: 0, perMs: 1 } }, "Expected `rate.limit` to be an integer of 1 or more, got `0` (number)"],
    [{ ratePerHost: 5 as never }, "Expected `ratePerHost` to be { limit, perMs }, got `5` (number)"],
    [{ rate: { limit: 1, perMs: Infinity } }, "Expected `rate.perMs` to be finite, got `Infinity` (number)"],
    [{ tokens: { limit: 1, perMs: 1, estimate: -1 } }, "Expected `tokens.estimate` to be a number of 0 or more"],
    [{ weights: [{ limit: 1, perMs: 1 } as never] }, "Expected `weights[0].estimate` to be a function"],
    [{ maxFailures: "101%" as const }, 'Expected `maxFailures` to be an integer of 0 or more, or a part such as "5%"'],
    [{ retry: { budget: -1 } }, "Expected `retry.budget` to be a number of 0 or more, got `-1` (number)"],
    [{ retry: { attempts: 0 } }, "Expected `retry.attempts` to be an integer of 1 or more, got `0` (number)"],
    [{ headers: { "a b": "1" } }, "In `headers`, `a b` is not a header name"],
    [{ headers: new Headers({ a: "1" }) as never }, "Expected `headers` to be an object, got an object of Headers"],
  ])("refuses the options %j", (options, message) => {
    expect(() => fetchAll([], options)).toThrow(message);
  });

  test.each(["http://me:secret@a/", 5, undefined, {}])("refuses %j in place of requests", (requests) => {
    expect(() => fetchAll(requests as never)).toThrow(/^Expected `requests` to be an iterable of requests, got `/);
    expect(() => fetchAll(requests as never)).not.toThrow("secret");
  });

  test("fails what would be sent without what is in it, and that alone", async () => {
    await using server = await httpServer(echo);
    const url = server.url("/");
    const circle: unknown[] = [];
    circle.push(circle);
    const lost = [
      new Map([["a", 1]]),
      new URLSearchParams("a=1"),
      new FormData(),
      new Blob(["a"]),
      new Uint16Array(1),
      new ArrayBuffer(1),
      (function* () {})(),
      5n,
      circle,
    ];
    const outcomes = await all([
      ...lost.map((body) => ({ url, body })),
      { url, headers: new Headers({ a: "1" }) as never },
      new Request(url, { method: "POST", body: "a" }) as never,
      { url, body: { date: new Date(0), list: [1] } },
    ]);
    const last = outcomes.pop();
    expect(last).toMatchObject({ ok: true });
    expect(outcomes.filter(({ error }) => error?.code !== "INVALID_REQUEST")).toEqual([]);
    const messages = outcomes.map(({ error }) => error?.message ?? "");
    expect(messages).toHaveLength(lost.length + 2);
    expect(messages.slice(0, 2)).toEqual([
      "Expected `body` to be a string, bytes, or a JSON value, got an object of Map",
      "Expected `body` to be a string, bytes, or a JSON value, got an object of URLSearchParams",
    ]);
    const named = /^Expected `(?:body` to be a string, bytes, or a JSON value|headers` to be an object)(?:, got|:) \S/;
    expect(messages.filter((message) => !named.test(message))).toEqual([]);
  });
});
