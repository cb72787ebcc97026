/**
 * The errors of batches that keep a journal.
 *
 *     TaskwrightError
 *     ├─ InputChangedError        FETCH_INPUT_CHANGED     the requests are not those that the results were made of
 *     └─ JournalError
 *        ├─ JobChangedError       FETCH_JOB_CHANGED       the settings are others than when the results were made
 *        ├─ JournalBusyError      FETCH_JOURNAL_BUSY      another process writes the same results
 *        ├─ JournalMissingError   FETCH_JOURNAL_MISSING   there is nothing to go on with
 *        ├─ JournalBrokenError    FETCH_JOURNAL_BROKEN    the journal cannot be read or written
 *        ├─ OutputExistsError     FETCH_OUTPUT_EXISTS     there are results, and no journal of them
 *        └─ OutputChangedError    FETCH_OUTPUT_CHANGED    the results are not those that the journal knows
 *
 * None of them has replaced or deleted anything.
 */
import { hostname } from "node:os";
import { TaskwrightError } from "../core/index.ts";

/** The requests are not those that the results were made of. */
export class InputChangedError extends TaskwrightError {
  override readonly name = "InputChangedError" as const;
  override readonly code = "FETCH_INPUT_CHANGED" as const;
  /** Place of the first that differs: the number of its line, or its place in the iterable; undefined where some are missing. */
  readonly index: number | undefined;

  constructor(index: number | undefined, message: string) {
    super(message);
    this.index = index;
  }
}

/** The base of all errors of journals. */
export abstract class JournalError extends TaskwrightError {
  /** Path of the results. */
  readonly output: string;

  constructor(output: string, message: string, options?: ErrorOptions) {
    super(`\`${output}\` ${message}`, options);
    this.output = output;
  }
}

/** The results there are were made with other settings. */
export class JobChangedError extends JournalError {
  override readonly name = "JobChangedError" as const;
  override readonly code = "FETCH_JOB_CHANGED" as const;
  /** Which settings, and what they were, unless that is a secret. */
  readonly differences: readonly string[];

  constructor(output: string, differences: readonly string[]) {
    super(output, `holds results of another job: ${differences.join("; ")}`);
    this.differences = differences;
  }
}

/** Somebody else writes to the same results. */
export class JournalBusyError extends JournalError {
  override readonly name = "JournalBusyError" as const;
  override readonly code = "FETCH_JOURNAL_BUSY" as const;
  /** The process that does; 0 if it has not said so yet. */
  readonly pid: number;

  /** @param host - the machine it runs on */
  constructor(output: string, pid: number, host: string = hostname()) {
    const where = host === hostname() ? "" : ` on ${host}`;
    super(output, `is being written by ${pid === 0 ? "another process" : `process ${pid}${where}`}`);
    this.pid = pid;
  }
}

/** There is no journal, and so nothing to go on with. */
export class JournalMissingError extends JournalError {
  override readonly name = "JournalMissingError" as const;
  override readonly code = "FETCH_JOURNAL_MISSING" as const;

  constructor(output: string) {
    super(output, "has no journal beside it, so there is nothing to go on with");
  }
}

/** The journal cannot be read or written. */
export class JournalBrokenError extends JournalError {
  override readonly name = "JournalBrokenError" as const;
  override readonly code = "FETCH_JOURNAL_BROKEN" as const;

  constructor(output: string, problem: string, options?: ErrorOptions) {
    super(output, `has a journal that ${problem}`, options);
  }
}

/** There are results, and no journal that tells what they are. */
export class OutputExistsError extends JournalError {
  override readonly name = "OutputExistsError" as const;
  override readonly code = "FETCH_OUTPUT_EXISTS" as const;

  constructor(output: string) {
    super(output, "is not empty and has no journal beside it");
  }
}

/** Somebody else has changed the results. */
export class OutputChangedError extends JournalError {
  override readonly name = "OutputChangedError" as const;
  override readonly code = "FETCH_OUTPUT_CHANGED" as const;
}
