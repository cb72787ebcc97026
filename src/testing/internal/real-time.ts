import { Timer, afterThisTurn, realClock } from "../../core/index.ts";

/** Lets whatever is ready run, timers and I/O included. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => afterThisTurn({ resume: resolve }));
}

/** Passes time that is not virtual, for what is outside. */
export function realTime(ms: number): Promise<void> {
  return new Promise((resolve) => realClock.schedule(realClock.now() + ms, new Timer(resolve)));
}
