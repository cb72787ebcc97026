import { digitsOf, exactBody } from "./json-digits.ts";
import { columnOfKey, locateJsonProblem } from "./json-position.ts";
import type { Job } from "../engine/job.ts";
import { FieldProblem, type JobBuilder, type RawRequest } from "./job-builder.ts";
import { BadLine } from "./line-splitter.ts";
import { nearest } from "./nearest.ts";
import { LineByLine } from "./request-parser.ts";
import { redactUrl } from "./target.ts";

/** What the objects of a list of JSON are like. */
export interface JsonFormat {
  /** An object that is one, for messages. */
  readonly example: string;
  /** What the fields of a request are called there, where that differs. */
  readonly names?: { readonly id?: string; readonly url?: string; readonly headers?: string };
  /** @throws {FieldProblem} it is no request */
  read(value: Readonly<Record<string, unknown>>, text: string): RawRequest;
}

/** One JSON object a line. */
export class JsonLines extends LineByLine {
  readonly #builder: JobBuilder;
  readonly #format: JsonFormat;

  constructor(builder: JobBuilder, format: JsonFormat) {
    super();
    this.#builder = builder;
    this.#format = format;
  }

  override take(line: string, number: number): Job | BadLine | undefined {
    if (line[0] !== "{" && line.trim() === "") return undefined;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      const { column, message } = locateJsonProblem(line);
      return new BadLine(number, message, column);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return new BadLine(number, `Expected an object such as ${this.#format.example}`, line.search(/\S/) + 1);
    }
    const fields = value as Readonly<Record<string, unknown>>;
    try {
      return this.#builder.fromRequest(number, this.#exact(this.#format.read(fields, line), line));
    } catch (error) {
      if (!(error instanceof FieldProblem)) throw error;
      return this.#bad(number, line, fields, error);
    }
  }

  /** Numbers that JavaScript cannot hold would be others: another id, another body. */
  #exact(request: RawRequest, line: string): RawRequest {
    const { id, body } = request;
    const isIdExact = typeof id !== "number" || Number.isSafeInteger(id) || !Number.isInteger(id);
    const isBodyText = typeof body !== "object" || body === null || body instanceof Uint8Array;
    if (isIdExact && isBodyText) return request;
    return {
      ...request,
      id: isIdExact ? id : digitsOf(line, this.#format.names?.id ?? "id", id),
      body: isBodyText ? body : exactBody(line, body),
    };
  }

  #bad(number: number, line: string, fields: Readonly<Record<string, unknown>>, problem: FieldProblem): BadLine {
    const { id: idName = "id", url: urlName = "url", headers: headersName = "headers" } = this.#format.names ?? {};
    const { [idName]: id, [urlName]: url } = fields;
    const names: Readonly<Record<string, string>> = { id: idName, url: urlName, headers: headersName };
    const name = names[problem.field] ?? problem.field;
    return new BadLine(
      number,
      problem.message.replaceAll(`\`${problem.field}\``, `\`${name}\``),
      columnOfKey(line, name) ?? line.indexOf("{") + 1,
      typeof url === "string" ? redactUrl(url) : undefined,
      typeof id === "string" || typeof id === "number" ? id : undefined,
    );
  }
}

const fields: ReadonlySet<string> = new Set(["id", "url", "method", "headers", "body"]);

/** Our own: `{id?, url, method?, headers?, body?}`. */
export const plainJson: JsonFormat = {
  example: '{"url": "https://example.com"}',
  read(value) {
    refuseMisspelt(value);
    return value;
  },
};

/** Objects of other people's making, whose id or URL has another name. Nothing else in them is misspelt. */
export function foreignJson(idField: string, urlField: string): JsonFormat {
  return {
    example: `{${JSON.stringify(urlField)}: "https://example.com"}`,
    names: { id: idField, url: urlField },
    read: (value) => ({ ...value, id: value[idField], url: value[urlField] }),
  };
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
