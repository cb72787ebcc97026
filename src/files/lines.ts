import { expectInteger } from "../core/index.ts";
import { BlockItems, LineSplitter } from "../flow/index.ts";
import { type ReadChunksOptions, readChunks } from "./chunks.ts";
import { FileLineTooLongError, JsonFileError } from "./errors.ts";

/** What stands in a file or a folder, one after the other. To be read once. */
export type FileItems<T> = AsyncIterableIterator<T, undefined> & AsyncDisposable;

/** Settings of {@link readLines}. */
export interface ReadLinesOptions extends ReadChunksOptions {
  /** A longer line is an error. @default 16_777_216, 16 MiB */
  readonly maxLineBytes?: number;
}

/**
 * The lines of a file in UTF-8, without their ends, `\n` or `\r\n`. In constant memory, whatever the length of the file.
 *
 * Cancel: closes the file. Leaving the loop does so too.
 *
 * @throws {FileLineTooLongError} FILE_LINE_TOO_LONG
 * @throws {Error} as `readChunks`
 *
 * @example
 * ```ts
 * import { openTempFolder, readLines, write } from "taskwright/files";
 *
 * await using folder = await openTempFolder();
 * await write(folder.at("list"), "first\nsecond\n");
 * for await (const line of readLines(folder.at("list"))) {
 *   console.log(line); // => first
 *   break;
 * }
 * ```
 */
export function readLines(path: string, options: ReadLinesOptions = {}): FileItems<string> {
  return new BlockItems(blocksOfLines(path, checked(options)));
}

/**
 * The values in a file that has one of JSON on each line. Blank lines are passed over.
 *
 * Cancel: closes the file. Leaving the loop does so too.
 *
 * @throws {JsonFileError} FILE_JSON, a line is not JSON: it says which
 * @throws {Error} as {@link readLines}
 */
export function readJsonLines(path: string, options: ReadLinesOptions = {}): FileItems<unknown> {
  return new BlockItems(blocksOfValues(path, checked(options)));
}

async function* blocksOfValues(path: string, options: ReadLinesOptions): AsyncGenerator<unknown[], void, void> {
  let number = 0;
  for await (const lines of blocksOfLines(path, options)) {
    const values: unknown[] = [];
    for (const line of lines) {
      number++;
      if (line.trim() === "") continue;
      const value = parse(line);
      if (value.error === undefined) values.push(value.value);
      else {
        // What stands before it is given first.
        yield values;
        throw new JsonFileError(path, number, value.error);
      }
    }
    yield values;
  }
}

function parse(line: string): { readonly value?: unknown; readonly error?: unknown } {
  try {
    return { value: JSON.parse(line) as unknown };
  } catch (error) {
    return { error };
  }
}

/** All that a chunk completes at once. */
async function* blocksOfLines(path: string, options: ReadLinesOptions): AsyncGenerator<string[], void, void> {
  const { maxLineBytes = 16 * 1024 * 1024 } = options;
  const splitter = new LineSplitter(maxLineBytes, () => new FileLineTooLongError(path, maxLineBytes));
  for await (const chunk of readChunks(path, options)) yield splitter.push(chunk);
  yield splitter.finish();
}

function checked(options: ReadLinesOptions): ReadLinesOptions {
  if (options.maxLineBytes !== undefined) expectInteger("maxLineBytes", options.maxLineBytes, 1);
  return options;
}
