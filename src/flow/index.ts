/**
 * @module
 * Flow: running many things at once, and one thing again.
 */
export { type Backoff, type ExponentialOptions, exponential } from "./backoff.ts";
export { type Results, gather } from "./gather.ts";
export { type MapFunction, type MapOptions, map } from "./map.ts";
export { type MapStreamOptions, type ResultStream, mapStream } from "./map-stream.ts";
export type { Outcome } from "./outcome.ts";
export { race } from "./race.ts";
export { type RetryFunction, type RetryOptions, retry } from "./retry.ts";
export { type Outcomes, settle } from "./settle.ts";
export type { Source } from "./source.ts";
