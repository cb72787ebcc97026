import type { Transferable } from "node:worker_threads";
import type { Calls, Order, Reply, Signal } from "./protocol.ts";
import type { Slots } from "./slots.ts";

/** How a worker has ended. */
export interface WorkerEnd {
  /** Undefined if it was ended by a signal. */
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** The last lines that it has written to its standard error. */
  readonly stderr: string;
  /** The error that nobody caught, if there was one. */
  readonly failure: unknown;
}

/** The end of one that has never begun. */
export function neverStarted(failure: unknown): WorkerEnd {
  return { exitCode: undefined, signal: undefined, stderr: "", failure };
}

/** What a {@link WorkerLink} tells of the other side. */
export interface LinkListener {
  heard(signal: Signal): void;
  /** It has ended, whatever the reason; all its replies are there. Called once. */
  ended(end: WorkerEnd): void;
}

/** What a worker runs in, a thread or a process, as the pool sees it. It is started by making it. */
export interface WorkerLink {
  readonly kind: "thread" | "process";
  /** Where calls stand that are with it. */
  readonly slots: Slots;
  /** So many calls may be with it. More than one only where the pool can take back what has not begun. */
  readonly maxCalls: number;
  /** The share of its time in which it was busy, from 0 to 1. */
  readonly utilization: number;
  /**
   * Sends calls, or an order.
   *
   * @throws what says that they cannot be sent; nothing has been sent then
   */
  post(message: Calls | Order, transfers?: readonly Transferable[]): void;
  /** The next reply that has come; undefined if there is none. */
  receive(): Reply | undefined;
  /** Whether it is to keep the process alive. */
  keepAlive(wanted: boolean): void;
  /** Ends it, whatever it does. */
  end(): void;
  /** It has ended, and all its replies were taken. */
  close(): void;
}

/** Starts a worker. */
export type StartWorker = (name: string, listener: LinkListener) => WorkerLink;
