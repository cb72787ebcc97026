import type { Job } from "../engine/job.ts";
import type { JobBuilder } from "./job-builder.ts";
import { BadLine } from "./line-splitter.ts";
import { LineByLine } from "./request-parser.ts";

/** One URL a line. */
export class UrlLines extends LineByLine {
  readonly #builder: JobBuilder;

  constructor(builder: JobBuilder) {
    super();
    this.#builder = builder;
  }

  override take(line: string, number: number): Job | BadLine | undefined {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) return undefined;
    const made = this.#builder.fromUrl(number, text);
    if (!(made instanceof BadLine) || made.column === undefined) return made;
    const column = made.column + line.indexOf(text);
    return new BadLine(number, made.message, column, made.url);
  }
}
