import { CsvLines } from "./csv-lines.ts";
import { CsvFields } from "./csv-row.ts";
import type { Job } from "../engine/job.ts";
import { JobBuilder, type RequestDefaults } from "./job-builder.ts";
import { templatedJson } from "./json-row.ts";
import { JsonLines, foreignJson, plainJson } from "./json-lines.ts";
import { BadLine, LineSplitter } from "./line-splitter.ts";
import { isOpenaiBatch, openaiBatch } from "./openai-batch.ts";
import type { InputFormat, RequestParser } from "./request-parser.ts";
import type { RequestTemplate } from "./request-template.ts";
import { UrlLines } from "./url-lines.ts";
import { VegetaTargets, isVegetaJson, isVegetaTarget, vegetaJson } from "./vegeta-targets.ts";

export interface RequestReaderOptions extends RequestDefaults {
  /** Left out, the first line that says something decides. */
  readonly format?: InputFormat | undefined;
  /** What the name of the input tells: it is that, unless the first line is a URL. */
  readonly formatByName?: "csv" | "tsv" | undefined;
  /** What the id of a request is called in objects, and its URL. @default `id` and `url` */
  readonly idField?: string | undefined;
  readonly urlField?: string | undefined;
  /** What requests are made of the fields of lines by. Then lines are jsonl, csv or tsv. */
  readonly template?: RequestTemplate | undefined;
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
    this.#lines = new LineSplitter(this.#maxLineBytes);
    this.#builder = new JobBuilder(options.template?.defaults ?? options, this.#linesBefore);
  }

  get #maxLineBytes(): number {
    return this.#options.maxLineBytes ?? defaultMaxLineBytes;
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
    const lines = this.#lines;
    for (;;) {
      const line = lines.next();
      if (line === undefined) return this.#hasEnded ? this.#parser?.end() : undefined;
      let made: Job | BadLine | undefined;
      if (typeof line === "string") {
        this.#parser ??= this.#parserFor(line);
        made = this.#parser?.take(line, lines.line, lines.lineEnd);
      } else made = this.#refuse(line);
      if (made !== undefined) return made;
    }
  }

  #refuse(bad: BadLine): Job | BadLine | undefined {
    // Of a table it is the header.
    if (this.format === "csv" || this.format === "tsv") this.#parser ??= this.#parserFor("");
    return this.#parser === undefined ? bad : this.#parser.refuse(bad, this.#lines.brokenText);
  }

  #formatOf(line: string): InputFormat {
    const { formatByName, template, urlField } = this.#options;
    if (formatByName !== undefined && !/^https?:/i.test(line)) return formatByName;
    return template === undefined && urlField === undefined ? formatOf(line) : formatOfData(line);
  }

  #csvLines(delimiter: "," | "\t"): RequestParser {
    const { idField, urlField, template } = this.#options;
    const fields = new CsvFields({ template, idField, urlField });
    return new CsvLines({ builder: this.#builder, delimiter, fields, maxLength: this.#maxLineBytes });
  }

  /** What reads the format, or the format that `line` shows; undefined where it shows none. */
  #parserFor(line: string): RequestParser | undefined {
    const { idField, urlField, baseUrl, template } = this.#options;
    const text = line.trim();
    if (this.format === undefined && (text === "" || text.startsWith("#"))) return undefined;
    this.format ??= this.#formatOf(text);
    switch (this.format) {
      case "urls":
        return new UrlLines(this.#builder);
      case "csv":
      case "tsv":
        return this.#csvLines(this.format === "csv" ? "," : "\t");
      case "jsonl": {
        if (template !== undefined) return new JsonLines(this.#builder, templatedJson(template, idField));
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

/** Of lines that fill in a template. If it is none of these, no field of the template will be there. */
function formatOfData(line: string): InputFormat {
  if (line.startsWith("{")) return "jsonl";
  return line.includes("\t") ? "tsv" : "csv";
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
