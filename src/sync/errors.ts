import { TaskwrightError } from "../core/index.ts";

/** The queue was shut down: nothing can be put any more, and what was left has been taken. */
export class QueueShutDownError extends TaskwrightError {
  override readonly name = "QueueShutDownError" as const;
  override readonly code = "QUEUE_SHUT_DOWN" as const;

  constructor() {
    super("the queue was shut down");
  }
}
