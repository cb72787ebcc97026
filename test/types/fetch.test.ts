/** What the compiler knows of batches of requests, and what it refuses. Nothing in here is run. */
import { expect, expectTypeOf, test } from "vitest";
import {
  type FetchAnswer,
  type FetchFailure,
  type FetchInput,
  type FetchOutcome,
  type FetchStream,
  fetchAll,
} from "taskwright/fetch";
import { compiled, wants } from "./compiled.ts";

const url = "https://example.com/";

test("a batch reads any iterable of URLs and requests, and is a stream of outcomes", () => {
  compiled(async () => {
    async function* requests(): AsyncGenerator<FetchInput> {
      yield { url, id: 1, method: "PUT", headers: { a: "b" }, body: { any: "thing" } };
    }
    expectTypeOf(fetchAll([url, new URL(url), { url }])).toEqualTypeOf<FetchStream>();
    expectTypeOf(fetchAll(requests())).toEqualTypeOf<FetchStream>();
    for await (const outcome of fetchAll(new Set([url]))) expectTypeOf(outcome).toEqualTypeOf<FetchOutcome>();
    // @ts-expect-error a stream is read, no promise of a list
    void wants<Promise<FetchOutcome[]>>(fetchAll([url]));
    // @ts-expect-error only async: `for await`
    for (const outcome of fetchAll([url])) wants<FetchOutcome>(outcome);
    // @ts-expect-error a URL alone is no list
    fetchAll(new URL(url));
    // @ts-expect-error a request has a url
    fetchAll([{ uri: url }]);
    // @ts-expect-error a promise of a URL is none
    fetchAll([Promise.resolve(url)]);
    // @ts-expect-error an id is text or a number
    fetchAll([{ url, id: { of: 1 } }]);
    // @ts-expect-error headers are an object
    fetchAll([{ url, headers: [["a", "b"]] }]);
  });
  expect.assertions(1);
});

test("settings have their units in their names", () => {
  compiled(() => {
    fetchAll([], { concurrency: 5, perHost: 2, timeoutMs: 5, retry: { attempts: 2, maxTimeMs: 5 }, maxBodyBytes: 5 });
    // @ts-expect-error it is one number for all
    fetchAll([], { concurrency: { perHost: 5 } });
    // @ts-expect-error the unit is missing
    fetchAll([], { timeout: 5 });
    // @ts-expect-error how often is `attempts`
    fetchAll([], { retry: 3 });
    // @ts-expect-error the first attempt counts too, so these are no retries
    fetchAll([], { retry: { retries: 3 } });
    // @ts-expect-error there is no signal to hand on: cancel the scope
    fetchAll([], { signal: new AbortController().signal });
    // @ts-expect-error an option is given or left out
    fetchAll([], { perHost: undefined });
  });
  expect.assertions(1);
});

test("an outcome is an answer or a failure, told apart by its error", () => {
  compiled(async () => {
    for await (const outcome of fetchAll([url])) {
      expectTypeOf(outcome.request).toEqualTypeOf<FetchInput>();
      expectTypeOf(outcome.status).toEqualTypeOf<number | undefined>();
      if (outcome.error === undefined) expectTypeOf(outcome).toEqualTypeOf<FetchAnswer>();
      else expectTypeOf(outcome).toEqualTypeOf<FetchFailure>();
      if (outcome.ok) expectTypeOf(outcome).toEqualTypeOf<FetchAnswer>();
      // @ts-expect-error a failure has no text
      outcome.text();
      // @ts-expect-error an answer has no error, not even one of status 500
      void outcome.error.code;
      // @ts-expect-error no answer, no status
      wants<number>(outcome.status);
      // @ts-expect-error it is not ok, but there may be an answer
      if (!outcome.ok) wants<FetchFailure>(outcome);
      // @ts-expect-error what is in JSON nobody knows
      if (outcome.ok) void outcome.json().name;
      // @ts-expect-error an outcome is what came
      outcome.ok = true;
    }
  });
  expect.assertions(1);
});
