import { TaskwrightError, formatMs } from "../core/index.ts";

/** The queue was shut down: nothing can be put any more, and what was left has been taken. */
export class QueueShutDownError extends TaskwrightError {
  override readonly name = "QueueShutDownError" as const;
  override readonly code = "QUEUE_SHUT_DOWN" as const;

  constructor() {
    super("the queue was shut down");
  }
}

/** The channel was closed: nothing more will come through it, or was to be sent. */
export class ChannelClosedError extends TaskwrightError {
  override readonly name = "ChannelClosedError" as const;
  override readonly code = "CHANNEL_CLOSED" as const;

  constructor(why: string) {
    super(`the channel is closed: ${why}`);
  }
}

/** The barrier was aborted or reset while, or before, somebody waited at it. */
export class BarrierAbortedError extends TaskwrightError {
  override readonly name = "BarrierAbortedError" as const;
  override readonly code = "BARRIER_ABORTED" as const;

  constructor() {
    super("the barrier was aborted");
  }
}

/** The circuit is open, or has as many on trial as it may: what is behind it is not asked. */
export class CircuitOpenError extends TaskwrightError {
  override readonly name = "CircuitOpenError" as const;
  override readonly code = "CIRCUIT_OPEN" as const;
  /** How long it stays open, in milliseconds, which `retry` waits for; 0 if others are on trial. */
  readonly retryAfterMs: number;

  constructor(circuit: string | undefined, retryAfterMs: number) {
    const what = circuit === undefined ? "the circuit" : `the circuit "${circuit}"`;
    super(`${what} is ${retryAfterMs > 0 ? `open, for another ${formatMs(retryAfterMs)}` : "on trial"}`);
    this.retryAfterMs = retryAfterMs;
  }
}
