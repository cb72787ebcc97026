/**
 * The errors of threads and processes. What a task throws comes as it is: with its name, message, code, fields and cause.
 *
 *     TaskwrightError
 *     ├─ WorkerCrashedError     WORKER_CRASHED         the thread or process ended under the task
 *     ├─ NotCloneableError      WORKER_NOT_CLONEABLE   arguments or a result cannot go there
 *     ├─ TaskNotFoundError      WORKER_TASK_NOT_FOUND  the module was loaded, and the function is not there
 *     └─ PoolClosedError        WORKER_POOL_CLOSED     the pool was closed
 */
import { TaskwrightError } from "../core/index.ts";
import type { WorkerEnd } from "./internal/link.ts";

/**
 * The thread or process ended while it ran the task: by `process.exit`, an uncaught error, or because it ran out of
 * memory; a process also by a signal, as native code that crashes does.
 */
export class WorkerCrashedError extends TaskwrightError {
  override readonly name = "WorkerCrashedError" as const;
  override readonly code = "WORKER_CRASHED" as const;
  /** The name of the task. */
  readonly task: string;
  /** With which it has ended; undefined if a signal has ended it, or it could not be started. */
  readonly exitCode: number | undefined;
  /** That has ended the process, such as `SIGSEGV`; undefined if none has. */
  readonly signal: NodeJS.Signals | undefined;
  /** The last lines that it wrote to its standard error. */
  readonly stderr: string;

  /** @internal */
  constructor(task: string, kind: "thread" | "process", { exitCode, signal, stderr, failure }: WorkerEnd) {
    const how = exitCode === undefined ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
    const why = failure instanceof Error ? `: ${failure.message}` : "";
    const said = stderr === "" ? "" : `. It had written:\n${stderr}`;
    const isStarted = exitCode !== undefined || signal !== undefined;
    super(
      `the ${kind} of task ${task} ${isStarted ? how : "could not be started"}${why}${said}`,
      failure === undefined ? {} : { cause: failure },
    );
    this.task = task;
    this.exitCode = exitCode;
    this.signal = signal;
    this.stderr = stderr;
  }
}

/** Arguments or a result cannot be copied to another thread or process: functions, for instance, or open files. */
export class NotCloneableError extends TaskwrightError {
  override readonly name = "NotCloneableError" as const;
  override readonly code = "WORKER_NOT_CLONEABLE" as const;
  /** The name of the task. */
  readonly task: string;

  constructor(what: string, task: string, to: "thread" | "process", cause: unknown) {
    const why = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "");
    super(`${what} of task ${task} cannot go to another ${to}: ${why}. Send data only`, { cause });
    this.task = task;
  }
}

/** The thread or process has loaded the module, and the function is not in it. */
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
