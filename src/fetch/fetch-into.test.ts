import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { TemporaryFolder } from "../../test/cli.ts";
import { type TestServer, httpServer } from "../../test/http-server.ts";
import { isCancelled, run, taskGroup } from "../index.ts";
import { cancelEverywhere } from "../testing/index.ts";
import { type FetchInput, type FetchIntoOptions, fetchInto } from "./index.ts";

/** Answers with the path, remembers what was asked, and holds what is to be held. */
class Answers {
  readonly asked: string[] = [];
  readonly held: Set<string> = new Set<string>();
  readonly missing: Set<string> = new Set<string>();

  serve(): Promise<TestServer> {
    return httpServer(({ url }, response) => {
      this.asked.push(url!);
      if (this.held.has(url!)) return;
      response.statusCode = this.missing.has(url!) ? 404 : 200;
      response.end(url);
    });
  }

  take(): string[] {
    return this.asked.splice(0).toSorted();
  }
}

interface Line {
  readonly id: string | number;
  readonly ok: boolean;
  readonly body?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

function linesOf(path: string): Line[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
    .toSorted((a, b) => Number(a.id) - Number(b.id));
}

describe("fetchInto", () => {
  test("writes a line for each request, failures and what is no request included", async () => {
    const answers = new Answers();
    await using server = await answers.serve();
    using folder = new TemporaryFolder();
    answers.missing.add("/c");
    const requests = [server.url("/a"), "nonsense", { url: server.url("/c"), id: 7 }];
    expect(await fetchInto(requests, folder.at("out"))).toEqual({
      requests: 3,
      earlier: 0,
      succeeded: 1,
      failed: 2,
      failures: { BAD_LINE: 1, "404": 1 },
      retries: 0,
    });
    expect(linesOf(folder.at("out"))).toMatchObject([
      { id: 0, ok: true, body: "/a" },
      { id: 1, ok: false, error: { code: "BAD_LINE", message: "Expected an http or https URL, got `nonsense`" } },
      { id: 7, ok: false },
    ]);
  });

  test("asks only what has no result, when it is called again", async () => {
    const answers = new Answers();
    await using server = await answers.serve();
    using folder = new TemporaryFolder();
    const urls = ["/a", "/b", "/c"].map((path) => server.url(path));
    await fetchInto(urls.slice(0, 2), folder.at("out"));
    answers.take();
    async function* lazily(): AsyncGenerator<FetchInput> {
      yield* urls;
    }
    const options = { concurrency: 2, headers: { authorization: "another" } };
    expect(await fetchInto(lazily(), folder.at("out"), options)).toMatchObject({
      requests: 3,
      earlier: 2,
      succeeded: 3,
    });
    expect(answers.take()).toEqual(["/c"]);
    expect(linesOf(folder.at("out"))).toHaveLength(3);
  });

  test("asks failures again if told to, and begins anew if told to", async () => {
    const answers = new Answers();
    await using server = await answers.serve();
    using folder = new TemporaryFolder();
    const urls = ["/a", "/b"].map((path) => server.url(path));
    answers.missing.add("/b");
    await fetchInto(urls, folder.at("out"));
    answers.missing.clear();
    answers.take();
    expect(await fetchInto(urls, folder.at("out"))).toMatchObject({ failed: 1, earlier: 2 });
    expect(await fetchInto(urls, folder.at("out"), { retryFailed: true })).toMatchObject({ failed: 0, earlier: 1 });
    expect(answers.take()).toEqual(["/b"]);
    expect(await fetchInto(urls, folder.at("out"), { start: "restart" })).toMatchObject({ earlier: 0, requests: 2 });
    expect(answers.take()).toEqual(["/a", "/b"]);
  });

  test("goes on after it was cancelled, with what was answered by then", async () => {
    const answers = new Answers();
    await using server = await answers.serve();
    using folder = new TemporaryFolder();
    const urls = ["/a", "/b", "/held"].map((path) => server.url(path));
    answers.held.add("/held");
    await using other = await httpServer((_request, response) => response.end());
    const ending = run(
      (scope) =>
        taskGroup(async (group) => {
          group.spawn(() => fetchInto(urls, folder.at("out"), { concurrency: 1 }));
          while (!answers.asked.includes("/held")) await fetch(other.origin);
          scope.cancel();
        }),
      { signals: false },
    );
    await ending;
    await Promise.all(server.peers.map((peer) => peer.closed));
    expect(linesOf(folder.at("out")).map(({ body }) => body)).toEqual(["/a", "/b"]);
    answers.held.clear();
    answers.take();
    expect(await fetchInto(urls, folder.at("out"))).toMatchObject({ earlier: 2, succeeded: 3 });
    expect(answers.take()).toEqual(["/held"]);
  });

  test("cancelled before it begins touches nothing", async () => {
    using folder = new TemporaryFolder();
    const caught = await run(
      async (scope) => {
        scope.cancel();
        return fetchInto([], folder.at("out")).catch((error: unknown) => isCancelled(error));
      },
      { signals: false },
    );
    expect(caught).toBe(true);
    expect(existsSync(folder.at("out"))).toBe(false);
  });

  test("rejects with what the iterable threw, and keeps the results", async () => {
    const answers = new Answers();
    await using server = await answers.serve();
    using folder = new TemporaryFolder();
    const urls = ["/a", "/b"].map((path) => server.url(path));
    async function* broken(): AsyncGenerator<string> {
      yield urls[0]!;
      while (!existsSync(folder.at("out")) || readFileSync(folder.at("out")).length === 0)
        await fetch(server.url("/x"));
      throw new Error("the list has ended too soon");
    }
    await expect(fetchInto(broken(), folder.at("out"))).rejects.toThrow("the list has ended too soon");
    answers.take();
    expect(await fetchInto(urls, folder.at("out"))).toMatchObject({ earlier: 1, requests: 2 });
    expect(answers.take()).toEqual(["/b"]);
  });

  test("lets go of the file where the iterable fails to begin, or to end", async () => {
    const answers = new Answers();
    await using server = await answers.serve();
    using folder = new TemporaryFolder();
    answers.missing.add("/a");
    const broken = new Error("broken");
    const unready: Iterable<string> = {
      [Symbol.iterator]: () => {
        throw broken;
      },
    };
    const endless: Iterable<string> = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: server.url("/a") }),
        return: () => {
          throw broken;
        },
      }),
    };
    await expect(fetchInto(unready, folder.at("out"))).rejects.toBe(broken);
    await expect(fetchInto(5 as never, folder.at("out"))).rejects.toThrow(TypeError);
    await expect(fetchInto(endless, folder.at("out"), { maxFailures: 3 })).rejects.toBe(broken);
    expect((await fetchInto(Array(50).fill(server.url("/a")), folder.at("out"))).earlier).toBeGreaterThan(3);
  });

  test("refuses other requests, other headers, results that another call writes, and files that are not its own", async () => {
    const answers = new Answers();
    await using server = await answers.serve();
    using folder = new TemporaryFolder();
    const urls = ["/a", "/b"].map((path) => server.url(path));
    await fetchInto(urls, folder.at("out"));
    answers.take();
    const again = (requests: string[], options?: FetchIntoOptions): Promise<unknown> =>
      fetchInto(requests, folder.at("out"), options);
    await expect(again([urls[0]!, server.url("/x")])).rejects.toMatchObject({ code: "FETCH_INPUT_CHANGED", index: 1 });
    await expect(again([urls[0]!])).rejects.toMatchObject({ code: "FETCH_INPUT_CHANGED", index: undefined });
    await expect(again(urls, { headers: { accept: "text/html" } })).rejects.toMatchObject({
      code: "FETCH_JOB_CHANGED",
      differences: ["the header `accept` is not what it was"],
    });
    await expect(again(urls, { includeHeaders: true })).rejects.toMatchObject({ code: "FETCH_JOB_CHANGED" });
    const both = await Promise.allSettled([again(urls), again(urls)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    writeFileSync(folder.at("mine"), "precious");
    await expect(fetchInto(urls, folder.at("mine"))).rejects.toMatchObject({ code: "FETCH_OUTPUT_EXISTS" });
    await expect(fetchInto(urls, folder.at("new"), { start: "resume" })).rejects.toMatchObject({
      code: "FETCH_JOURNAL_MISSING",
    });
    await expect(fetchInto(urls, folder.at("no/folder"))).rejects.toMatchObject({ code: "ENOENT" });
    expect(answers.take()).toEqual([]);
  });

  test("stops where more fails than may, and keeps the results", async () => {
    const answers = new Answers();
    await using server = await answers.serve();
    using folder = new TemporaryFolder();
    answers.missing.add("/a").add("/b");
    const urls = ["/a", "/b", "/c", "/d"].map((path) => server.url(path));
    const stopped = fetchInto(urls, folder.at("out"), { concurrency: 1, maxFailures: 1 });
    await expect(stopped).rejects.toMatchObject({ code: "FETCH_TOO_MANY_FAILURES", failed: 2 });
    expect(await fetchInto(urls, folder.at("out"))).toMatchObject({ earlier: 2, succeeded: 2 });
  });

  test("cancelled at any of its checkpoints leaves nothing open, and results that can be gone on with", async () => {
    const answers = new Answers();
    await using server = await answers.serve();
    using folder = new TemporaryFolder();
    const urls = Array.from({ length: 5 }, (_, index) => server.url(`/${index}`));
    const { runs } = await cancelEverywhere(async () => {
      await fetchInto(urls, folder.at("out"), { concurrency: 2, start: "restart" });
    });
    expect(runs).toBeGreaterThan(5);
    expect(await fetchInto(urls, folder.at("out"))).toMatchObject({ requests: 5, succeeded: 5 });
    expect(linesOf(folder.at("out"))).toHaveLength(5);
  });

  test.each([
    [{ start: "again" }, 'Expected `start` to be "auto", "resume" or "restart", got `again` (string)'],
    [{ concurrency: 0 }, "Expected `concurrency` to be an integer of 1 or more, got `0` (number)"],
  ])("refuses the options %j", async (options, message) => {
    await expect(fetchInto([], "out", options as FetchIntoOptions)).rejects.toThrow(message);
  });

  test("refuses a path that is none", async () => {
    using folder = new TemporaryFolder();
    await expect(fetchInto([], folder.path)).rejects.toMatchObject({ code: "EISDIR" });
    await expect(fetchInto([], "/dev/null")).rejects.toMatchObject({ code: "EINVAL" });
    expect(existsSync(`${folder.path}.journal`) || existsSync("/dev/null.journal")).toBe(false);
    await expect(fetchInto([], 5 as never)).rejects.toThrow(
      "Expected `output` to be the path of a file, got `5` (number)",
    );
  });
});
