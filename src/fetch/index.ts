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
export type { FetchSessionOptions } from "./engine/exchange.ts";
export { TooManyFailuresError } from "./failures.ts";
export type { FetchAllOptions, FetchRetryOptions } from "./options.ts";
export type { FetchRate, FetchTokens, FetchWeight, PacingOptions } from "./pacing.ts";
export type { FetchAnswer, FetchFailure, FetchInput, FetchOutcome, FetchRequest, FetchTimings } from "./outcome.ts";

// For the command, not for users.
/** @internal */
export { type Attempt } from "./engine/attempt.ts";
/** @internal */
export { Batch, type BatchEnd, type BatchOptions, type BatchProgress } from "./engine/batch.ts";
/** @internal */
export { BodyFolder, BodyFolderError, bodyIn, prepareBodyFolder } from "./output/body-folder.ts";
/** @internal */
export { isBodyName } from "./output/body-name.ts";
/** @internal */
export type { DoneSet } from "./journal/done-set.ts";
/** @internal */
export { openPostgresOutput } from "./output/open-postgres.ts";
/** @internal */
export { TableOutput } from "./output/table-output.ts";
/** @internal */
export { type BatchStatistics } from "./engine/batch-statistics.ts";
/** @internal */
export { openDestination, standardOutput } from "./output/destination.ts";
/** @internal */
export { type FailureLimit } from "./engine/failure-limit.ts";
/** @internal */
export { type PaceRules } from "./engine/pace.ts";
/** @internal */
export { parseMaxFailures } from "./options.ts";
/** @internal */
export { readPacing } from "./pacing.ts";
/** @internal */
export { headerProblem, isMethod, showHeader } from "./input/header.ts";
/** @internal */
export { type ResultCounts } from "./journal/done-set.ts";
/** @internal */
export { type JobIdentity, identityOf } from "./journal/job-identity.ts";
/** @internal */
export { type JournaledResults, openJournaled } from "./journal/open-journaled.ts";
/** @internal */
export { type JournalOptions, type JournalStart, hasJournal } from "./journal/open-journal.ts";
/** @internal */
export { redactUrl } from "./input/target.ts";
/** @internal */
export { Job } from "./engine/job.ts";
/** @internal */
export { JsonLinesOutput, type LineForm, type OutputFormat } from "./output/json-lines-output.ts";
/** @internal */
export { LineSource } from "./input/line-source.ts";
/** @internal */
export { BadLine } from "./input/line-splitter.ts";
/** @internal */
export { nearest } from "./input/nearest.ts";
/** @internal */
export { type RequestInput, inputFile, inputFromStandard, inputText } from "./input/request-input.ts";
/** @internal */
export { type InputFormat } from "./input/request-parser.ts";
/** @internal */
export { RequestReader } from "./input/request-reader.ts";
/** @internal */
export { RequestTemplate } from "./input/request-template.ts";
/** @internal */
export { ShuffledSource } from "./input/shuffled-source.ts";
/** @internal */
export { TemplateProblem } from "./input/template.ts";
/** @internal */
export { InputError, RequestStream } from "./input/request-stream.ts";
/** @internal */
export { type ResultOutput } from "./output/result-output.ts";
