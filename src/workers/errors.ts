/**
 * The errors of threads. What a task throws comes as it is: with its name, message, code, fields and cause.
 *
 *     TaskwrightError
 *     ├─ WorkerCrashedError     WORKER_CRASHED         the thread ended under the task
 *     ├─ NotCloneableError      WORKER_NOT_CLONEABLE   arguments or a result cannot go to another thread
 *     ├─ TaskNotFoundError      WORKER_TASK_NOT_FOUND  the thread has loaded the module, and the function is not there
 *     └─ PoolClosedError        WORKER_POOL_CLOSED     the pool was closed
 */
import { TaskwrightError } from "../core/index.ts";

/** The thread ended while it ran the task: by `process.exit`, an uncaught error, or because it ran out of memory. */
export class WorkerCrashedError extends TaskwrightError {
  override readonly name = "WorkerCrashedError" as const;
  override readonly code = "WORKER_CRASHED" as const;
  /** The name of the task. */
  readonly task: string;
  /** With which the thread has ended. */
  readonly exitCode: number;
  /** The last lines that the thread wrote to its standard error. */
  readonly stderr: string;

  constructor(task: string, exitCode: number, stderr: string, cause: unknown) {
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    const said = stderr === "" ? "" : `. It had written:\n${stderr}`;
    super(
      `the thread of task ${task} ended with exit code ${exitCode}${why}${said}`,
      cause === undefined ? {} : { cause },
    );
    this.task = task;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** Arguments or a result cannot be copied to another thread: functions, for instance, or open files. */
export class NotCloneableError extends TaskwrightError {
  override readonly name = "NotCloneableError" as const;
  override readonly code = "WORKER_NOT_CLONEABLE" as const;
  /** The name of the task. */
  readonly task: string;

  constructor(what: string, task: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`${what} of task ${task} cannot go to another thread: ${why}. Send data only`, { cause });
    this.task = task;
  }
}

/** The thread has loaded the module, and the function is not in it. */
export class TaskNotFoundError extends TaskwrightError {
  override readonly name = "TaskNotFoundError" as const;
  override readonly code = "WORKER_TASK_NOT_FOUND" as const;
  /** The name of the task. */
  readonly task: string;
  /** The URL of the module. */
  readonly module: string;

  constructor(task: string, module: string, hint: string) {
    super(`task ${task} is not in ${module}: ${hint}`);
    this.task = task;
    this.module = module;
  }
}

/** The pool was closed before the task had ended, or before it was sent. */
export class PoolClosedError extends TaskwrightError {
  override readonly name = "PoolClosedError" as const;
  override readonly code = "WORKER_POOL_CLOSED" as const;

  constructor(pool: string, task: string) {
    super(`task ${task} was not done: ${pool} was closed. Keep it open as long as its tasks`);
  }
}
