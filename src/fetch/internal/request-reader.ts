import type { Job } from "./job.ts";
import { JobBuilder, type RequestDefaults } from "./job-builder.ts";
import { JsonLines, foreignJson, plainJson } from "./json-lines.ts";
import { BadLine, LineSplitter } from "./line-splitter.ts";
import { isOpenaiBatch, openaiBatch } from "./openai-batch.ts";
import type { InputFormat, RequestParser } from "./request-parser.ts";
import { UrlLines } from "./url-lines.ts";
import { VegetaTargets, isVegetaJson, isVegetaTarget, vegetaJson } from "./vegeta-targets.ts";

export interface RequestReaderOptions extends RequestDefaults {
  /** Left out, the first line that says something decides. */
  readonly format?: InputFormat | undefined;
  /** What the id of a request is called in objects, and its URL. @default `id` and `url` */
  readonly idField?: string | undefined;
  readonly urlField?: string | undefined;
  /** A longer line is refused. @default 16 MiB */
  readonly maxLineBytes?: number;
  /** Which of several inputs this is. */
  readonly name?: string | undefined;
  /** Lines of inputs before this one. @default 0 */
  readonly linesBefore?: number;
}

const defaultMaxLineBytes = 16 * 1024 * 1024;

/** Reads requests from the bytes of a list, on demand: hand over a chunk, take requests until there are none. */
export class RequestReader {
  /** The format, once it is known. */
  format: InputFormat | undefined;
  readonly #options: RequestReaderOptions;
  readonly #lines: LineSplitter;
  readonly #builder: JobBuilder;
  readonly #linesBefore: number;
  #parser: RequestParser | undefined;
  #hasEnded = false;

  constructor(options: RequestReaderOptions) {
    this.#options = options;
    this.format = options.format;
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
    this.#hasEnded = true;
    this.#lines.end();
  }

  /**
   * The next request, or a line that is none, or undefined if more of the input is needed.
   *
   * @throws {InputProblem} nothing can be made of this input
   */
  next(): Job | BadLine | undefined {
    const made = this.#make();
    if (made instanceof BadLine) {
      made.index = this.#linesBefore + made.line;
      made.input = this.#options.name;
    }
    return made;
  }

  #make(): Job | BadLine | undefined {
    for (;;) {
      const line = this.#lines.next();
      if (line === undefined) return this.#hasEnded ? this.#parser?.end() : undefined;
      const made = typeof line === "string" ? this.#take(line) : this.#refuse(line);
      if (made !== undefined) return made;
    }
  }

  #take(line: string): Job | BadLine | undefined {
    this.#parser ??= this.#parserFor(line);
    return this.#parser?.take(line, this.#lines.line);
  }

  #refuse(bad: BadLine): BadLine | undefined {
    return this.#parser === undefined ? bad : this.#parser.refuse(bad);
  }

  /** What reads the format, or the format that `line` shows; undefined where it shows none. */
  #parserFor(line: string): RequestParser | undefined {
    const { idField, urlField, baseUrl } = this.#options;
    const text = line.trim();
    if (this.format === undefined && (text === "" || text.startsWith("#"))) return undefined;
    this.format ??= formatOf(text);
    switch (this.format) {
      case "urls":
        return new UrlLines(this.#builder);
      case "jsonl": {
        const isPlain = idField === undefined && urlField === undefined;
        return new JsonLines(this.#builder, isPlain ? plainJson : foreignJson(idField ?? "id", urlField ?? "url"));
      }
      case "openai-batch":
        return new JsonLines(this.#builder, openaiBatch(baseUrl));
      case "vegeta":
        if (text === "" || text.startsWith("#")) return undefined;
        if (text.startsWith("{")) return new JsonLines(this.#builder, vegetaJson);
        return new VegetaTargets(this.#builder, this.#options.format === "vegeta");
      default:
        return this.format satisfies never;
    }
  }
}

function formatOf(line: string): InputFormat {
  if (isVegetaTarget(line)) return "vegeta";
  if (!line.startsWith("{")) return "urls";
  const value = parsed(line);
  if (isOpenaiBatch(value)) return "openai-batch";
  return isVegetaJson(value) ? "vegeta" : "jsonl";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
