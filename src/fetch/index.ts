/**
 * @module
 * The batch engine: any number of requests, many at once, in constant memory.
 */

// For the command, not for users.
/** @internal */
export { type Attempt } from "./internal/attempt.ts";
/** @internal */
export { Batch, type BatchEnd, type BatchOptions } from "./internal/batch.ts";
/** @internal */
export { type BatchStatistics } from "./internal/batch-statistics.ts";
/** @internal */
export { type ByteInput, bytesInput, openInput, standardInput } from "./internal/byte-input.ts";
/** @internal */
export { openDestination, standardOutput } from "./internal/destination.ts";
/** @internal */
export { headerProblem, isMethod, showHeader } from "./internal/header.ts";
/** @internal */
export { Job } from "./internal/job.ts";
/** @internal */
export { type Destination } from "./internal/line-output.ts";
/** @internal */
export { BadLine } from "./internal/line-splitter.ts";
/** @internal */
export { nearest } from "./internal/nearest.ts";
/** @internal */
export { type InputFormat, RequestReader } from "./internal/request-reader.ts";
