import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { httpServer } from "../../test/http-server.ts";
import { run, taskGroup } from "../index.ts";
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
    [{ concurrency: 0 }, "Expected `concurrency` to be an integer of 1 or more, got `0` (number)"],
    [{ timeoutMs: -1 }, "Expected `timeoutMs` to be milliseconds, 0 or more, got `-1` (number)"],
    [{ retry: { attempts: 0 } }, "Expected `retry.attempts` to be an integer of 1 or more, got `0` (number)"],
    [{ headers: { "a b": "1" } }, "In `headers`, `a b` is not a header name"],
  ])("refuses the options %j", (options, message) => {
    expect(() => fetchAll([], options)).toThrow(message);
  });
});
