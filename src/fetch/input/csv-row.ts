import { FieldProblem, type RawRequest } from "./job-builder.ts";
import { InputProblem } from "./request-parser.ts";
import type { RequestTemplate } from "./request-template.ts";
import { redactUrl } from "./target.ts";
import type { Row } from "./template.ts";

export interface CsvFieldsOptions {
  readonly template: RequestTemplate | undefined;
  readonly idField: string | undefined;
  readonly urlField: string | undefined;
}

/** Which fields of a table make a request: those that a template names, or one that is the URL. And one that is its id. */
export class CsvFields {
  readonly #options: CsvFieldsOptions;
  readonly #places = new Map<string, number>();

  constructor(options: CsvFieldsOptions) {
    this.#options = options;
  }

  /** @throws {InputProblem} a field that is needed is not there, or there are two of it */
  check(header: readonly string[]): void {
    const { template, idField, urlField = "url" } = this.#options;
    for (const [index, name] of header.entries()) if (!this.#places.has(name)) this.#places.set(name, index);
    const needed = template === undefined ? [urlField] : [...template.names];
    for (const name of idField === undefined ? needed : [...needed, idField]) {
      const count = header.filter((one) => one === name).length;
      if (count === 1) continue;
      const what = count === 0 ? `no field \`${name}\`` : `${count} fields \`${name}\``;
      throw new InputProblem(`The header has ${what}: ${shown(header)}`);
    }
  }

  placeOf(name: string): number | undefined {
    return this.#places.get(name);
  }

  /** @throws {FieldProblem} a value cannot stand where it should */
  requestOf(row: CsvRow): RawRequest {
    const { template, urlField = "url" } = this.#options;
    const id = this.idOf(row);
    return template === undefined ? { id, url: row.text(urlField) } : template.requestOf(id, row);
  }

  idOf(row: CsvRow): string | undefined {
    const id = row.find(this.#options.idField ?? "id");
    return id === "" ? undefined : id;
  }

  /** The URL, where a field is it. */
  urlOf(row: CsvRow): string | undefined {
    return this.#options.template === undefined ? row.find(this.#options.urlField ?? "url") : undefined;
  }

  /** Where the field begins in a line without quotes. */
  columnOf(field: string, record: readonly string[]): number | undefined {
    const { template, urlField = "url" } = this.#options;
    const place = this.#places.get(template === undefined && field === "url" ? urlField : field);
    if (place === undefined) return undefined;
    return record.slice(0, place).reduce((column, { length }) => column + length + 1, 1);
  }
}

/** The values of one record. */
export class CsvRow implements Row {
  readonly #fields: CsvFields;
  readonly #values: readonly string[];

  constructor(fields: CsvFields, values: readonly string[]) {
    this.#fields = fields;
    this.#values = values;
  }

  find(name: string): string | undefined {
    const place = this.#fields.placeOf(name);
    return place === undefined ? undefined : this.#values[place];
  }

  text(name: string): string {
    return this.find(name)!;
  }

  /** All values of a table are text: outside of quotes only what is a number or a word of JSON is taken for one. */
  json(name: string): string {
    const value = this.text(name).trim();
    if (jsonScalar.test(value)) return value;
    throw new FieldProblem(
      name,
      `\`${name}\` is no number, true, false or null: write "{${name}}", in quotes, for text`,
    );
  }
}

const jsonScalar = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
const maxShown = 20;

/** A table that has no header begins with data, and so may have anything there. */
function shown(header: readonly string[]): string {
  const names = header.slice(0, maxShown).map((name) => `\`${redactUrl(name).slice(0, 40)}\``);
  return `it has ${names.join(", ")}${header.length > maxShown ? " and more" : ""}`;
}
