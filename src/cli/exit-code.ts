/** How the command ends, for scripts. Documented in docs/fetch.md and in the help. */
export const exitCode = {
  /** Everything was answered with a status below 400. */
  ok: 0,
  /** Some requests failed, or the results could not all be written. */
  failed: 1,
  /** Wrong usage, or input that cannot be read. */
  usage: 2,
  /** Stopped by --max-failures. */
  tooManyFailures: 3,
  /** SIGHUP: the terminal is gone. */
  hungUp: 129,
  /** SIGINT: Ctrl-C. */
  interrupted: 130,
  /** The reader of the results has gone away, such as `| head`. */
  brokenPipe: 141,
  /** SIGTERM. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
