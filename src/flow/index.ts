/**
 * @module
 * Flow: running many things at once, and one thing again.
 */
export { any } from "./any.ts";
export { type Completion, type CompletionOf, type CompletionStream, asCompleted } from "./as-completed.ts";
export { type Backoff, type ExponentialOptions, exponential } from "./backoff.ts";
export { type BatchOptions, type BatchStream, batch } from "./batch.ts";
export { type Results, gather } from "./gather.ts";
export type { Functions, ResultOf } from "./internal/functions.ts";
export { type HedgeOptions, hedge } from "./hedge.ts";
export { type MapFunction, type MapOptions, map } from "./map.ts";
export { type MapStreamOptions, type ResultStream, mapStream } from "./map-stream.ts";
export { type ItemOf, type MergedStream, merge } from "./merge.ts";
export type { Outcome } from "./outcome.ts";
export { race } from "./race.ts";
export { type RetryFunction, type RetryOptions, retry } from "./retry.ts";
export { RetryBudget, type RetryBudgetOptions, type RetryBudgetStatistics } from "./retry-budget.ts";
export { type Outcomes, settle } from "./settle.ts";
export { SingleFlight, type SingleFlightStatistics, singleFlight } from "./single-flight.ts";
export type { Source } from "./source.ts";
export { type ThrottleOptions, type ThrottledStream, throttle } from "./throttle.ts";

// For other modules: what they read comes in pieces, and the batch engine counts where there is no task.
/** @internal */
export { BlockItems } from "./internal/block-items.ts";
/** @internal */
export { BlockReader } from "./internal/block-reader.ts";
/** @internal */
export { LineSplitter } from "./internal/line-splitter.ts";
/** @internal */
export { RetryWindow } from "./internal/retry-window.ts";
