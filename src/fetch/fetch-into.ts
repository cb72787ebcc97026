import { checkpoint, currentScope } from "../core/index.ts";
import { TooManyFailuresError } from "./failures.ts";
import { Batch } from "./engine/batch.ts";
import { IterableSource } from "./input/iterable-source.ts";
import { identityOf } from "./journal/job-identity.ts";
import { expectRequests } from "./input/request-source.ts";
import { JsonLinesOutput } from "./output/json-lines-output.ts";
import type { JournalStart } from "./journal/open-journal.ts";
import { openJournaled } from "./journal/open-journaled.ts";
import { type FetchAllOptions, type FetchAllSettings, readOptions } from "./options.ts";
import type { FetchInput } from "./outcome.ts";

/** Settings of {@link fetchInto}. */
export interface FetchIntoOptions extends FetchAllOptions {
  /**
   * `"auto"` goes on where earlier calls have left off, or begins if there are no results; `"resume"` only goes on;
   * `"restart"` begins anew, in place of the results there are. @default "auto"
   */
  readonly start?: "auto" | "resume" | "restart";
  /** Whether results that are failures are taken out, and their requests asked again. @default false */
  readonly retryFailed?: boolean;
  /** Whether results have the headers of answers. @default false */
  readonly includeHeaders?: boolean;
}

/** What results came to. */
export interface FetchSummary {
  /** Requests that have a result, those of earlier calls included. */
  readonly requests: number;
  /** Those of them that had theirs before. */
  readonly earlier: number;
  /** Answered with a status below 400. */
  readonly succeeded: number;
  /** Answered with another status, or not at all. */
  readonly failed: number;
  /** How often each status or error code was what a request failed with, in this call. */
  readonly failures: Readonly<Record<string, number>>;
  /** Attempts of this call that were followed by another. */
  readonly retries: number;
}

const starts: readonly JournalStart[] = ["auto", "resume", "restart"];

/**
 * Asks all `requests`, many at once, and writes a line of JSON for each to the file `output`: what `taskwright fetch -o`
 * does. In constant memory, and durable: beside the file a journal is kept, `output` with `.journal` behind it. When the
 * same is called again, after whatever ended the call or the process before, requests that have their result are passed
 * over, and the others are asked.
 *
 * A request is known by its place in `requests`, and what it asks by a hash of id, method, URL and body: the iterable has
 * to give the same again. It may give more. Other headers or another body for all make it another job, which is refused;
 * credentials and limits do not.
 *
 * Cancel: takes what is on the wire off it, and waits until the answers there are have been written. The next call goes
 * on from there.
 *
 * @param requests - URLs or requests: any sync or async iterable
 * @param output - path of a file
 * @throws {TypeError | RangeError} an option is wrong, or `requests` is no iterable
 * @throws {JournalError} it is not safe to write there, or not any more: see its codes, `FETCH_JOB_CHANGED` and others
 * @throws {InputChangedError} `FETCH_INPUT_CHANGED`: the requests are not those that the results were made of
 * @throws {TooManyFailuresError} `FETCH_TOO_MANY_FAILURES`: more failed than `maxFailures`
 * @throws {Error} what the iterable threw; or the file system, with a code such as `ENOSPC`: what was written by then
 *   is there the next time
 *
 * @example
 * ```ts
 * import { fetchInto } from "taskwright/fetch";
 *
 * const pages = Array.from({ length: 100_000 }, (_, page) => `https://example.com/?page=${page}`);
 * const { succeeded, failed } = await fetchInto(pages, "pages.jsonl", { concurrency: 200 });
 * console.log(`${succeeded} pages, ${failed} failures`);
 * ```
 */
export async function fetchInto(
  requests: Iterable<FetchInput> | AsyncIterable<FetchInput>,
  output: string,
  options: FetchIntoOptions = {},
): Promise<FetchSummary> {
  const settings = readOptions(options);
  const { start = "auto", retryFailed = false, includeHeaders = false } = options;
  expectRequests(requests);
  expectPath(output);
  expectStart(start);
  await checkpoint();
  const results = await openJournaled({
    path: output,
    job: jobOf(settings, includeHeaders),
    start,
    retriesFailed: retryFailed,
  });
  const { headers } = settings;
  const scope = currentScope();
  let batch: Batch;
  try {
    batch = new Batch({
      ...settings,
      openSource: (events) => new IterableSource({ requests, scope, headers }, events),
      output: new JsonLinesOutput({ ...results, withHeaders: includeHeaders }),
    });
  } catch (error) {
    // The iterable would not begin.
    await results.destination.close();
    throw error;
  }
  const end = await batch.run();
  if (end.kind === "input-failed" || end.kind === "output-failed") throw end.error;
  if (end.kind === "too-many-failures") throw new TooManyFailuresError(batch.statistics.failed, batch.statistics.done);
  return summaryOf(batch);
}

function jobOf({ headers }: FetchAllSettings, includeHeaders: boolean): ReturnType<typeof identityOf> {
  return identityOf({ method: undefined, headers, body: undefined, form: { includeHeaders: String(includeHeaders) } });
}

function summaryOf({ statistics, earlier }: Batch): FetchSummary {
  const before = earlier.succeeded + earlier.failed;
  return {
    requests: statistics.done + before,
    earlier: before,
    succeeded: statistics.succeeded + earlier.succeeded,
    failed: statistics.failed + earlier.failed,
    failures: Object.fromEntries(statistics.failures),
    retries: statistics.retries,
  };
}

function expectPath(output: unknown): void {
  if (typeof output === "string" && output !== "") return;
  throw new TypeError(`Expected \`output\` to be the path of a file, got \`${String(output)}\` (${typeof output})`);
}

function expectStart(start: unknown): void {
  if (starts.some((one) => one === start)) return;
  throw new TypeError(
    `Expected \`start\` to be "auto", "resume" or "restart", got \`${String(start)}\` (${typeof start})`,
  );
}
