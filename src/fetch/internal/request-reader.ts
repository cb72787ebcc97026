import { columnOfKey, locateJsonProblem } from "./json-position.ts";
import type { Job } from "./job.ts";
import { FieldProblem, JobBuilder, type RawRequest, type RequestDefaults } from "./job-builder.ts";
import { BadLine, LineSplitter } from "./line-splitter.ts";
import { nearest } from "./nearest.ts";
import { redactUrl } from "./target.ts";

/** How a list of requests is written: `urls`, one a line, or `jsonl`, one JSON object a line. */
export type InputFormat = "urls" | "jsonl";

export interface RequestReaderOptions extends RequestDefaults {
  /** Left out, the first line that says something decides: an opening brace means `jsonl`. */
  readonly format?: InputFormat | undefined;
  /** A longer line is refused. @default 16 MiB */
  readonly maxLineBytes?: number;
  /** Which of several inputs this is. */
  readonly name?: string | undefined;
  /** Lines of inputs before this one. @default 0 */
  readonly linesBefore?: number;
}

const defaultMaxLineBytes = 16 * 1024 * 1024;
const fields: ReadonlySet<string> = new Set(["id", "url", "method", "headers", "body"]);

/** Reads requests from the bytes of a list, on demand: hand over a chunk, take requests until there are none. */
export class RequestReader {
  /** The format, once it is known. */
  format: InputFormat | undefined;
  readonly #lines: LineSplitter;
  readonly #builder: JobBuilder;
  readonly #name: string | undefined;
  readonly #linesBefore: number;

  constructor(options: RequestReaderOptions) {
    this.format = options.format;
    this.#name = options.name;
    this.#linesBefore = options.linesBefore ?? 0;
    this.#lines = new LineSplitter(options.maxLineBytes ?? defaultMaxLineBytes);
    this.#builder = new JobBuilder(options, this.#linesBefore);
  }

  /** Bytes of the input read so far, as far as they have become requests. */
  get bytes(): number {
    return this.#lines.bytes;
  }

  /** Lines read so far, those of inputs before this one included. */
  get lines(): number {
    return this.#linesBefore + this.#lines.line;
  }

  /** Hands over more of the input. Only when `next()` has returned undefined. */
  feed(chunk: Buffer): void {
    this.#lines.feed(chunk);
  }

  /** The input has ended. */
  end(): void {
    this.#lines.end();
  }

  /** The next request, or a line that is none, or undefined if more of the input is needed. */
  next(): Job | BadLine | undefined {
    const made = this.#make();
    if (made instanceof BadLine) {
      made.index = this.#linesBefore + made.line;
      made.input = this.#name;
    }
    return made;
  }

  #make(): Job | BadLine | undefined {
    for (;;) {
      const line = this.#lines.next();
      if (typeof line !== "string") return line;
      const text = line.trim();
      if (text === "") continue;
      if (this.format !== "jsonl" && text.startsWith("#")) continue;
      this.format ??= text.startsWith("{") ? "jsonl" : "urls";
      const number = this.#lines.line;
      if (this.format === "urls") return inLine(line, this.#builder.fromUrl(number, text));
      return parseJsonLine(this.#builder, number, line);
    }
  }
}

/** Counts the column from the beginning of the line, white space before the URL included. */
function inLine(line: string, made: Job | BadLine): Job | BadLine {
  if (!(made instanceof BadLine) || made.column === undefined) return made;
  const column = made.column + line.length - line.trimStart().length;
  return new BadLine(made.line, made.message, column, made.url);
}

/** Makes a job of one line of JSON. */
function parseJsonLine(builder: JobBuilder, line: number, text: string): Job | BadLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const { column, message } = locateJsonProblem(text);
    return new BadLine(line, message, column);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new BadLine(line, 'Expected an object such as {"url": "https://example.com"}', 1);
  }
  try {
    refuseMisspelt(value);
    return builder.fromRequest(line, value);
  } catch (error) {
    if (!(error instanceof FieldProblem)) throw error;
    const { url, id } = value as RawRequest;
    return new BadLine(
      line,
      error.message,
      columnOfKey(text, error.field) ?? 1,
      typeof url === "string" ? redactUrl(url) : undefined,
      typeof id === "string" || typeof id === "number" ? id : undefined,
    );
  }
}

/** Fields of the user's own are let through, but `header` or `methd` would silently ask something else. */
function refuseMisspelt(request: object): void {
  for (const name in request) {
    if (fields.has(name)) continue;
    const meant = nearest(name, fields);
    if (meant !== undefined && !(meant in request)) {
      throw new FieldProblem(name, `Unknown field \`${name}\`: did you mean \`${meant}\`?`);
    }
  }
}
