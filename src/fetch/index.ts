/**
 * @module
 * The batch engine: any number of requests, many at once, in constant memory; and with a journal, so that nothing is
 * asked twice that was answered.
 *
 * @example
 * ```ts
 * import { fetchAll } from "taskwright/fetch";
 *
 * function* pages(): Generator<string> {
 *   for (let page = 1; page <= 100_000; page++) yield `https://example.com/?page=${page}`;
 * }
 *
 * let found = 0;
 * for await (const outcome of fetchAll(pages(), { concurrency: 200, perHost: 50 })) {
 *   if (outcome.ok && outcome.text().includes("needle")) found++;
 * }
 * ```
 */
export {
  InputChangedError,
  JobChangedError,
  JournalBrokenError,
  JournalBusyError,
  JournalError,
  JournalMissingError,
  OutputChangedError,
  OutputExistsError,
} from "./errors.ts";
export { type FetchStream, fetchAll } from "./fetch-all.ts";
export { type FetchIntoOptions, type FetchSummary, fetchInto } from "./fetch-into.ts";
export type { FetchSessionOptions } from "./internal/exchange.ts";
export { TooManyFailuresError } from "./failures.ts";
export type { FetchAllOptions, FetchRetryOptions } from "./options.ts";
export type { FetchRate, FetchTokens, FetchWeight, PacingOptions } from "./pacing.ts";
export type { FetchAnswer, FetchFailure, FetchInput, FetchOutcome, FetchRequest, FetchTimings } from "./outcome.ts";

// For the command, not for users.
/** @internal */
export { type Attempt } from "./internal/attempt.ts";
/** @internal */
export { Batch, type BatchEnd, type BatchOptions, type BatchProgress } from "./internal/batch.ts";
/** @internal */
export { BodyFolder } from "./internal/body-folder.ts";
/** @internal */
export type { DoneSet } from "./internal/done-set.ts";
/** @internal */
export { TableOutput } from "./internal/table-output.ts";
/** @internal */
export { type BatchStatistics } from "./internal/batch-statistics.ts";
/** @internal */
export { openDestination, standardOutput } from "./internal/destination.ts";
/** @internal */
export { type FailureLimit } from "./internal/failure-limit.ts";
/** @internal */
export { type PaceRules } from "./internal/pace.ts";
/** @internal */
export { parseMaxFailures } from "./options.ts";
/** @internal */
export { readPacing } from "./pacing.ts";
/** @internal */
export { headerProblem, isMethod, showHeader } from "./internal/header.ts";
/** @internal */
export { type ResultCounts } from "./internal/done-set.ts";
/** @internal */
export { type JobIdentity, identityOf } from "./internal/job-identity.ts";
/** @internal */
export { type JournaledResults, openJournaled } from "./internal/open-journaled.ts";
/** @internal */
export type { JournalOptions, JournalStart } from "./internal/open-journal.ts";
/** @internal */
export { redactUrl } from "./internal/target.ts";
/** @internal */
export { Job } from "./internal/job.ts";
/** @internal */
export { JsonLinesOutput, type LineForm, type OutputFormat } from "./internal/json-lines-output.ts";
/** @internal */
export { LineSource } from "./internal/line-source.ts";
/** @internal */
export { BadLine } from "./internal/line-splitter.ts";
/** @internal */
export { nearest } from "./internal/nearest.ts";
/** @internal */
export { type RequestInput, inputFile, inputFromStandard, inputText } from "./internal/request-input.ts";
/** @internal */
export { type InputFormat } from "./internal/request-parser.ts";
/** @internal */
export { RequestReader } from "./internal/request-reader.ts";
/** @internal */
export { RequestTemplate } from "./internal/request-template.ts";
/** @internal */
export { ShuffledSource } from "./internal/shuffled-source.ts";
/** @internal */
export { TemplateProblem } from "./internal/template.ts";
/** @internal */
export { InputError, RequestStream } from "./internal/request-stream.ts";
/** @internal */
export { type ResultOutput } from "./internal/result-output.ts";
