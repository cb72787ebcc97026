import { CsvRow, type CsvFields } from "./csv-row.ts";
import type { Job } from "../engine/job.ts";
import { FieldProblem, type JobBuilder } from "./job-builder.ts";
import { BadLine } from "./line-splitter.ts";
import { InputProblem, type RequestParser } from "./request-parser.ts";
import { redactUrl } from "./target.ts";

export interface CsvOptions {
  readonly builder: JobBuilder;
  readonly delimiter: "," | "\t";
  readonly fields: CsvFields;
  /** A longer record is refused: a quote may be open by mistake, and would take in everything. */
  readonly maxLength: number;
}

const quote = '"';

/**
 * Records of CSV (RFC 4180), or of TSV with the same rules: the first one names the fields; a field in quotes may hold
 * delimiters, line ends, and quotes that are doubled. A quote within a field that does not begin with one is a
 * character like any other. Empty lines are no records.
 */
export class CsvLines implements RequestParser {
  readonly #options: CsvOptions;
  #header: readonly string[] | undefined;
  /** Fields of the record that is being read, and the line it begins in. */
  #record: string[] = [];
  #line = 0;
  /** Inside quotes: the field so far, and where they were opened. */
  #quoted: string | undefined;
  #quoteLine = 0;
  #quoteColumn = 0;
  #length = 0;
  /** What is wrong with the record, told when it has ended. */
  #bad: BadLine | undefined;

  constructor(options: CsvOptions) {
    this.#options = options;
  }

  take(line: string, number: number, lineEnd: string): Job | BadLine | undefined {
    if (this.#quoted === undefined) {
      if (line === "") return undefined;
      this.#line = number;
      if (!line.includes(quote)) return this.#complete(line.split(this.#options.delimiter), line);
    }
    if (!this.#read(line, number, lineEnd)) return undefined;
    const record = this.#record;
    this.#record = [];
    this.#length = 0;
    return this.#complete(record, undefined);
  }

  refuse(bad: BadLine, text: string | undefined): Job | BadLine | undefined {
    this.#bad ??= bad;
    if (text !== undefined) return text === "" ? this.#giveUp() : this.take(text, bad.line, "\n");
    return this.#giveUp();
  }

  end(): BadLine | undefined {
    if (this.#quoted === undefined) return undefined;
    this.#bad ??= new BadLine(this.#quoteLine, "The quote is not closed", this.#quoteColumn);
    return this.#giveUp();
  }

  /** Reads a line of a record. Returns whether the record ends with it. */
  #read(line: string, number: number, lineEnd: string): boolean {
    const { delimiter, maxLength } = this.#options;
    this.#length += line.length;
    let at = 0;
    for (;;) {
      if (this.#quoted === undefined) {
        if (line[at] !== quote) {
          const to = line.indexOf(delimiter, at);
          this.#record.push(to === -1 ? line.slice(at) : line.slice(at, to));
          if (to === -1) return true;
          at = to + 1;
          continue;
        }
        this.#quoted = "";
        this.#quoteLine = number;
        this.#quoteColumn = at + 1;
        at++;
      }
      const to = line.indexOf(quote, at);
      if (to === -1) {
        this.#quoted += line.slice(at) + lineEnd;
        if (this.#length <= maxLength) return false;
        this.#bad ??= new BadLine(this.#quoteLine, "The quote is not closed in time", this.#quoteColumn);
        this.#quoted = undefined;
        return true;
      }
      this.#quoted += line.slice(at, to);
      at = to + 1;
      if (line[at] === quote) {
        this.#quoted += quote;
        at++;
        continue;
      }
      this.#record.push(this.#quoted);
      this.#quoted = undefined;
      if (at === line.length) return true;
      if (line[at] !== delimiter) {
        const name = delimiter === "," ? "a comma" : "a tab";
        this.#bad ??= new BadLine(number, `Expected ${name} or the end of the line after a quote`, at + 1);
        return true;
      }
      at++;
    }
  }

  /** Whatever is open is no record. */
  #giveUp(): BadLine | undefined {
    this.#quoted = undefined;
    this.#record = [];
    this.#length = 0;
    return this.#complete([], undefined) as BadLine | undefined;
  }

  /** @param line - the record, if it has no quotes in it */
  #complete(record: readonly string[], line: string | undefined): Job | BadLine | undefined {
    const bad = this.#bad;
    this.#bad = undefined;
    if (this.#header === undefined) {
      if (bad !== undefined) throw new InputProblem(`The header cannot be read: line ${bad.line}: ${bad.message}`);
      this.#header = record.map((name) => name.trim());
      this.#options.fields.check(this.#header);
      return undefined;
    }
    if (bad !== undefined) return bad;
    const { length } = this.#header;
    if (record.length === length) return this.#build(record, line);
    return new BadLine(
      this.#line,
      `Expected ${length} ${length === 1 ? "field" : "fields"}, as in the header, got ${record.length}`,
    );
  }

  #build(record: readonly string[], line: string | undefined): Job | BadLine {
    const { builder, fields } = this.#options;
    const row = new CsvRow(fields, record);
    try {
      return builder.fromRequest(this.#line, fields.requestOf(row));
    } catch (error) {
      if (!(error instanceof FieldProblem)) throw error;
      const url = fields.urlOf(row);
      const column = line === undefined ? undefined : fields.columnOf(error.field, record);
      return new BadLine(this.#line, error.message, column, url && redactUrl(url), fields.idOf(row));
    }
  }
}
