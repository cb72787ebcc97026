/**
 * The errors of files. Those of the system come as they are: with a `code` such as `ENOENT`, and the path.
 *
 *     TaskwrightError
 *     ├─ CorruptFileError     FILE_CORRUPT         what was packed is damaged or cut off
 *     ├─ JsonFileError        FILE_JSON            what is in the file is not JSON
 *     └─ FileLineTooLongError FILE_LINE_TOO_LONG   a line is longer than is accepted
 */
import { TaskwrightError } from "../core/index.ts";

/** A packed file is damaged or cut off, or is not packed at all. What was read of it before was right. */
export class CorruptFileError extends TaskwrightError {
  override readonly name = "CorruptFileError" as const;
  override readonly code = "FILE_CORRUPT" as const;
  /** The file. */
  readonly path: string;

  constructor(path: string, why: string, cause?: unknown) {
    super(`\`${path}\` cannot be unpacked: ${why}`, cause === undefined ? {} : { cause });
    this.path = path;
  }
}

/** A file, or a line of it, is not JSON. */
export class JsonFileError extends TaskwrightError {
  override readonly name = "JsonFileError" as const;
  override readonly code = "FILE_JSON" as const;
  /** The file. */
  readonly path: string;
  /** Counted from 1; undefined where all of the file is one value. */
  readonly line: number | undefined;

  constructor(path: string, line: number | undefined, cause: unknown) {
    const place = line === undefined ? path : `${path}, line ${line}`;
    super(`\`${place}\` is not JSON: ${(cause as Error).message}`, { cause });
    this.path = path;
    this.line = line;
  }
}

/** A line is longer than `maxLineBytes`. */
export class FileLineTooLongError extends TaskwrightError {
  override readonly name = "FileLineTooLongError" as const;
  override readonly code = "FILE_LINE_TOO_LONG" as const;
  /** The file. */
  readonly path: string;

  constructor(path: string, maxLineBytes: number) {
    super(`\`${path}\` has a line of more than ${maxLineBytes} bytes: raise \`maxLineBytes\` if that is right`);
    this.path = path;
  }
}
