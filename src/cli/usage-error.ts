/** A mistake in how the command was called, or in what it was given to read: told in one line, with a hint. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError" as const;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}
