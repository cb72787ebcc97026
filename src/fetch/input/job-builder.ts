import { inspect } from "node:util";
import { BadLine } from "./line-splitter.ts";
import { headerProblem, isMethod } from "./header.ts";
import { hasHeader, Job } from "../engine/job.ts";
import { redactUrl, type Target, TargetParser, UrlProblem } from "./target.ts";

/** What requests have that do not say otherwise. */
export interface RequestDefaults {
  /** `GET`, or `POST` where there is a body. */
  readonly method?: string | undefined;
  /** Names and values in turn. A request that has one of the same name keeps its own. */
  readonly headers: readonly string[];
  readonly body?: string | Uint8Array | undefined;
  /** Stands before URLs that begin with a slash. Without a slash at its end. */
  readonly baseUrl?: string | undefined;
  /** Added to the query of each URL. */
  readonly query?: string | undefined;
}

/** The parts of a request before anything was checked. */
export interface RawRequest {
  readonly id?: unknown;
  readonly url?: unknown;
  readonly method?: unknown;
  readonly headers?: unknown;
  readonly body?: unknown;
}

/** A field of a request that is wrong. */
export class FieldProblem extends TypeError {
  readonly field: string;
  /** Character within the field, counted from 1, if one is to blame. */
  readonly column: number | undefined;

  constructor(field: string, message: string, column?: number) {
    super(message);
    this.field = field;
    this.column = column;
  }
}

const none: readonly string[] = [];
const noDefaults: RequestDefaults = { headers: none };

/** Makes jobs of checked requests. */
export class JobBuilder {
  readonly #targets = new TargetParser();
  readonly #defaults: RequestDefaults;
  readonly #linesBefore: number;

  /** @param linesBefore - of inputs before this one: the index of a job is its place among all lines */
  constructor(defaults: RequestDefaults = noDefaults, linesBefore = 0) {
    this.#defaults = defaults;
    this.#linesBefore = linesBefore;
  }

  /** A request that is nothing but a URL. Returns what is wrong with it rather than throwing it. */
  fromUrl(line: number, url: string): Job | BadLine {
    const { method, headers, body } = this.#defaults;
    try {
      const target = this.#parse(url);
      const own = target.authorization === undefined ? none : ["authorization", target.authorization];
      const verb = method ?? (body === undefined ? "GET" : "POST");
      return new Job(this.#linesBefore + line, undefined, target, verb, withDefaults(own, headers), body);
    } catch (error) {
      if (error instanceof UrlProblem) return new BadLine(line, error.message, error.column, redactUrl(url));
      throw error;
    }
  }

  /** @throws {FieldProblem} something in it is wrong */
  fromRequest(line: number, request: RawRequest): Job {
    const id = readId(request.id);
    const target = this.#readTarget(request.url);
    const given = this.#readBody(request.body);
    const method = readMethod(request.method) ?? this.#defaults.method ?? (given.body === undefined ? "GET" : "POST");
    const own = readHeaders(request.headers);
    if (given.isJson && !hasHeader(own, "content-type")) own.push("content-type", "application/json");
    if (target.authorization !== undefined && !hasHeader(own, "authorization")) {
      own.push("authorization", target.authorization);
    }
    const headers = withDefaults(own, this.#defaults.headers);
    return new Job(this.#linesBefore + line, id, target, method, headers, given.body);
  }

  #parse(url: string): Target {
    const { baseUrl, query } = this.#defaults;
    const before = baseUrl !== undefined && url.startsWith("/") ? baseUrl : "";
    if (before === "" && query === undefined) return this.#targets.parse(url);
    try {
      return this.#targets.parse(query === undefined ? before + url : withQuery(before + url, query));
    } catch (error) {
      if (!(error instanceof UrlProblem)) throw error;
      const column = error.column === undefined ? 0 : error.column - before.length;
      throw new UrlProblem(error.message, column >= 1 && column <= url.length ? column : undefined);
    }
  }

  #readTarget(url: unknown): Target {
    if (url instanceof URL) url = url.href;
    if (url === undefined) throw new FieldProblem("url", "`url` is missing");
    if (typeof url !== "string") throw wrongType("url", "a string", url);
    try {
      return this.#parse(url);
    } catch (error) {
      if (error instanceof UrlProblem) throw new FieldProblem("url", error.message, error.column);
      throw error;
    }
  }

  #readBody(body: unknown): { body: string | Uint8Array | undefined; isJson: boolean } {
    if (body === undefined || body === null) return { body: this.#defaults.body, isJson: false };
    if (typeof body === "string" || body instanceof Uint8Array) return { body, isJson: false };
    return { body: jsonOf(body), isJson: true };
  }
}

const whatBodiesAre = "a string, bytes, or a JSON value";

function jsonOf(body: unknown): string {
  if (isNoData(body)) throw wrongType("body", whatBodiesAre, body);
  let text: string | undefined;
  try {
    text = JSON.stringify(body) as string | undefined;
  } catch (error) {
    // A circle, a bigint, or a `toJSON` that throws: nothing is wrong with the other requests.
    throw new FieldProblem("body", `Expected \`body\` to be ${whatBodiesAre}: ${(error as Error).message}`);
  }
  if (text === undefined) throw wrongType("body", whatBodiesAre, body);
  return text;
}

/** Whether JSON would be `{}`, whatever is in it: a form, a stream, a map. */
function isNoData(body: unknown): boolean {
  if (typeof body !== "object" || body === null || Array.isArray(body) || "toJSON" in body) return false;
  if (Symbol.iterator in body || Symbol.asyncIterator in body) return true;
  return body instanceof ArrayBuffer || ArrayBuffer.isView(body) || body instanceof Blob;
}

export function withQuery(url: string, query: string): string {
  const [, before = "", fragment = ""] = /^([^#]*)(.*)$/s.exec(url) ?? [];
  const mark = !before.includes("?") ? "?" : before.endsWith("?") || before.endsWith("&") ? "" : "&";
  return before + mark + query + fragment;
}

function readId(id: unknown): string | number | undefined {
  if (id === undefined || id === null) return undefined;
  if (typeof id === "string" || (typeof id === "number" && Number.isFinite(id))) return id;
  throw wrongType("id", "a string or a number", id);
}

function readMethod(method: unknown): string | undefined {
  if (method === undefined || method === null) return undefined;
  if (typeof method !== "string") throw wrongType("method", "a string", method);
  if (!isMethod(method)) throw wrongType("method", "an HTTP method", method);
  return method.toUpperCase();
}

/** @throws {FieldProblem} they are no headers, or not to be sent */
export function readHeaders(headers: unknown): string[] {
  if (headers === undefined || headers === null) return [];
  // An array, or what keeps its entries to itself, as `Headers` does.
  if (typeof headers !== "object" || Symbol.iterator in headers) throw wrongType("headers", "an object", headers);
  const flat: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (typeof one !== "string" && typeof one !== "number" && typeof one !== "boolean") {
        throw wrongType(`headers.${name}`, "a string", one);
      }
      const problem = headerProblem(name, String(one));
      if (problem !== undefined) throw new FieldProblem("headers", `In \`headers\`, ${problem}`);
      flat.push(name, String(one));
    }
  }
  return flat;
}

/** Most requests have no headers of their own: those share one array. */
function withDefaults(own: readonly string[], defaults: readonly string[]): readonly string[] {
  if (own.length === 0) return defaults;
  const all = [...own];
  for (let index = 0; index < defaults.length; index += 2) {
    const name = defaults[index]!;
    if (!hasHeader(own, name.toLowerCase())) all.push(name, defaults[index + 1]!);
  }
  return all;
}

function kindOf(value: object | null): string {
  if (value === null || Array.isArray(value)) return value === null ? "null" : "an array";
  const { name = "Object" } = (value.constructor ?? Object) as { name?: string };
  return name === "Object" ? "an object" : `an object of ${name}`;
}

function wrongType(field: string, expected: string, got: unknown): FieldProblem {
  const shown = typeof got === "object" ? kindOf(got) : inspect(got);
  const [name] = field.split(".", 1) as [string];
  // The value of a header may be a secret.
  const what = name === field ? `, got ${shown.length > 60 ? typeof got : shown}` : "";
  return new FieldProblem(name, `Expected \`${field}\` to be ${expected}${what}`);
}
