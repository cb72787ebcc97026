import { formatClock, formatCount, formatMs, formatPercent, formatRate } from "./units.ts";

/** What is shown of the progress. */
export interface ProgressState {
  /** Requests with an outcome, those of earlier runs included. */
  readonly done: number;
  /** Those of earlier runs. */
  readonly earlier: number;
  /** Requests in all, or about: undefined if nothing tells. */
  readonly total: number | undefined;
  readonly isTotalExact: boolean;
  readonly perSecond: number;
  readonly inFlight: number;
  /** As many may be in flight now: what limits, and the hosts that something is asked of, allow. */
  readonly capacity: number;
  /** Hosts that are left alone for now. */
  readonly pausedHosts: number;
  /** Until the first of them is asked again. */
  readonly pauseLeftMs: number | undefined;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly failed: number;
  /** Kinds of failures, most frequent first. */
  readonly failures: readonly (readonly [kind: string, count: number])[];
}

export interface ProgressStyle {
  readonly hasColor: boolean;
  readonly hasUnicode: boolean;
}

/** The progress in words, for logs. */
export function progressSentence(state: ProgressState): string {
  const { done, earlier, total, isTotalExact, perSecond, inFlight, pausedHosts, p50Ms, p95Ms, failed } = state;
  const share = shareOf(state);
  const left = leftMs(state);
  const of = total === undefined ? "" : ` of ${isTotalExact ? "" : "about "}${formatCount(total)}`;
  return [
    `${formatCount(done)}${of}${share === undefined ? "" : ` (${formatPercent(share)})`} done`,
    ...(earlier === 0 ? [] : [`${formatCount(earlier)} from before`]),
    formatRate(perSecond),
    `${formatCount(inFlight)} in flight`,
    ...(p50Ms === undefined ? [] : [`p50 ${formatMs(p50Ms)}`, `p95 ${formatMs(p95Ms!)}`]),
    ...(failed === 0 ? [] : [`${formatCount(failed)} failed (${kindsOf(state.failures, 3)})`]),
    ...(pausedHosts === 0 ? [] : [hostsOnPause(state)]),
    ...(left === undefined ? [] : [`${formatClock(left)} left`]),
  ].join(", ");
}

/** `1 host on pause for 0:42` */
export function hostsOnPause({ pausedHosts, pauseLeftMs }: ProgressState): string {
  if (pausedHosts === 1) return `1 host on pause${pauseLeftMs === undefined ? "" : ` for ${formatClock(pauseLeftMs)}`}`;
  const next = pauseLeftMs === undefined ? "" : `, next in ${formatClock(pauseLeftMs)}`;
  return `${formatCount(pausedHosts)} hosts on pause${next}`;
}

/** `404 x3, ECONNREFUSED x1`: the `most` most frequent kinds of failures. */
export function kindsOf(failures: ProgressState["failures"], most: number): string {
  const shown = failures.slice(0, most).map(([kind, count]) => `${kind} x${formatCount(count)}`);
  if (failures.length > most) shown.push("...");
  return shown.join(", ");
}

/** How much is done, from 0 to 1; undefined if nothing tells. */
export function shareOf({ done, total }: ProgressState): number | undefined {
  if (total === undefined) return undefined;
  return total === 0 ? 1 : Math.min(1, done / total);
}

/** How long it will take, at the present rate. */
export function leftMs({ done, total, perSecond }: ProgressState): number | undefined {
  return total === undefined || perSecond === 0 ? undefined : (Math.max(0, total - done) / perSecond) * 1_000;
}
