import { isUtf8 } from "node:buffer";
import { type RawRequest, type RequestDefaults, withQuery } from "./job-builder.ts";
import { type Row, Template } from "./template.ts";

export interface RequestTemplateOptions extends RequestDefaults {
  readonly url: string;
  /** What the body is, and so how values are written in it. */
  readonly bodyKind: "form" | "json";
}

/** Makes requests of the fields of lines. */
export class RequestTemplate {
  /** All fields that it needs. */
  readonly names: ReadonlySet<string>;
  /** What is the same in all requests. */
  readonly defaults: RequestDefaults;
  readonly #url: Template;
  readonly #headers: readonly (readonly [name: string, value: Template])[];
  readonly #body: Template | undefined;

  /** @throws {TemplateProblem} */
  constructor({ url, query, headers, body, bodyKind, method, baseUrl }: RequestTemplateOptions) {
    const same: string[] = [];
    const templates: (readonly [string, Template])[] = [];
    for (let index = 0; index < headers.length; index += 2) {
      const value = new Template(headers[index + 1]!, "header");
      if (value.names.size > 0) templates.push([headers[index]!, value]);
      else same.push(headers[index]!, headers[index + 1]!);
    }
    const text = textOf(body);
    const ofBody = text === undefined ? undefined : new Template(text, bodyKind);
    const hasBody = ofBody !== undefined && ofBody.names.size > 0;
    this.#url = new Template(query === undefined ? url : withQuery(url, query), "url");
    this.#headers = templates;
    this.#body = hasBody ? ofBody : undefined;
    this.defaults = { method, baseUrl, headers: same, body: hasBody ? undefined : body };
    const all = [this.#url, ...templates.map(([, value]) => value), ...(hasBody ? [ofBody] : [])];
    this.names = new Set(all.flatMap(({ names }) => [...names]));
  }

  /** @throws {FieldProblem} a field is missing, or cannot stand where it should */
  requestOf(id: unknown, row: Row): RawRequest {
    const url = this.#url.expand(row);
    const body = this.#body?.expand(row);
    if (this.#headers.length === 0) return { id, url, body };
    const headers = Object.create(null) as Record<string, string[]>;
    for (const [name, value] of this.#headers) (headers[name] ??= []).push(value.expand(row));
    return { id, url, headers, body };
  }
}

/** Bytes that are no text have no names in them. */
function textOf(body: string | Uint8Array | undefined): string | undefined {
  if (typeof body === "string" || body === undefined) return body;
  return isUtf8(body) ? Buffer.from(body).toString() : undefined;
}
