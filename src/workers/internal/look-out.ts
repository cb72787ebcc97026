import type { Clock } from "../../core/index.ts";

/**
 * So long a thread that has done its work looks out for more before it sleeps, in milliseconds: to wake it takes about as
 * long. Calls that come one after the other take half as long so, and less of the processor in all.
 */
const lookOutMs = 0.05;

/** After so long it is the turn of what else goes on in the thread, such as timers, in milliseconds. */
const turnMs = 2;

/**
 * Looks out for more to do.
 *
 * @param takeNext - does what has come, and returns whether there was something
 * @param isIdle - whether the thread has nothing else to do
 */
export function lookOut(clock: Pick<Clock, "now">, takeNext: () => boolean, isIdle: () => boolean): void {
  const beganMs = clock.now();
  for (let nowMs = beganMs, until = nowMs + lookOutMs; nowMs < until && isIdle(); nowMs = clock.now()) {
    if (takeNext()) until = Math.min(clock.now() + lookOutMs, beganMs + turnMs);
  }
}
