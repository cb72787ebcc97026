import { fstatSync, closeSync, openSync, readFileSync } from "node:fs";
import { headerProblem, isMethod } from "./header.ts";
import type { Job } from "../engine/job.ts";
import { FieldProblem, type JobBuilder } from "./job-builder.ts";
import type { JsonFormat } from "./json-lines.ts";
import { BadLine } from "./line-splitter.ts";
import type { RequestParser } from "./request-parser.ts";
import { redactUrl } from "./target.ts";

/** A target that is being read. */
interface Target {
  readonly line: number;
  readonly method: string;
  readonly url: string;
  /** Where the URL stands in the line. */
  readonly column: number;
  readonly headers: Record<string, string[]>;
  headerBytes: number;
  body: Buffer | undefined;
}

const requestLine = /^([A-Z]+)[ \t]+((?:https?:\/|\/).*)$/;
const maxHeaderBytes = 1024 * 1024;

/**
 * Targets of vegeta in its HTTP format: a line `METHOD URL`, lines of headers, and `@FILE` for the body; a blank line
 * or the next target ends it.
 */
export class VegetaTargets implements RequestParser {
  readonly #builder: JobBuilder;
  readonly #mayReadFiles: boolean;
  #target: Target | undefined;
  /** A line of the target was wrong, and has been told: the rest of it is passed over. */
  #isSkipping = false;
  /** The last body, since many targets send the same. */
  #lastFile: { readonly path: string; readonly bytes: Buffer } | undefined;

  /** @param mayReadFiles - a list that only looks like targets gets no files of this machine */
  constructor(builder: JobBuilder, mayReadFiles: boolean) {
    this.#builder = builder;
    this.#mayReadFiles = mayReadFiles;
  }

  take(line: string, number: number): Job | BadLine | undefined {
    const text = line.trim();
    if (text.startsWith("#")) return undefined;
    if (text === "") {
      this.#isSkipping = false;
      return this.end();
    }
    const column = line.indexOf(text) + 1;
    const [, method, url] = requestLine.exec(text) ?? [];
    if (method !== undefined) {
      const before = this.end();
      this.#isSkipping = false;
      const headers = Object.create(null) as Record<string, string[]>;
      const urlColumn = column + text.length - url!.length;
      this.#target = { line: number, method, url: url!, column: urlColumn, headers, headerBytes: 0, body: undefined };
      return before;
    }
    if (this.#isSkipping) return undefined;
    const problem = this.#target === undefined ? noTarget : this.#addTo(this.#target, text);
    return problem === undefined ? undefined : this.refuse(new BadLine(number, problem, column));
  }

  refuse(bad: BadLine): BadLine | undefined {
    if (this.#isSkipping) return undefined;
    this.#isSkipping = true;
    const target = this.#target;
    this.#target = undefined;
    if (target === undefined) return bad;
    return new BadLine(bad.line, bad.message, bad.column, redactUrl(target.url));
  }

  end(): Job | BadLine | undefined {
    const target = this.#target;
    this.#target = undefined;
    if (target === undefined) return undefined;
    const { line, method, url, column, headers, body } = target;
    if (!isMethod(method)) return new BadLine(line, `Expected an HTTP method, got '${method}'`, 1, redactUrl(url));
    try {
      return this.#builder.fromRequest(line, { method, url, headers, body });
    } catch (error) {
      if (!(error instanceof FieldProblem)) throw error;
      return new BadLine(line, error.message, column + (error.column ?? 1) - 1, redactUrl(url));
    }
  }

  /** Adds a line after the first, or says what is wrong with it. */
  #addTo(target: Target, text: string): string | undefined {
    if (target.body !== undefined) return "Expected a blank line after the body";
    if (text.startsWith("@")) return this.#addBody(target, text.slice(1));
    const colon = text.indexOf(":");
    // What stands there may be a secret.
    if (colon < 1) return "Expected `NAME: VALUE`, `@FILE` or a blank line";
    const name = text.slice(0, colon).trim();
    const value = text.slice(colon + 1).trim();
    const problem = headerProblem(name, value);
    if (problem !== undefined) return `Wrong header: ${problem}`;
    target.headerBytes += text.length;
    if (target.headerBytes > maxHeaderBytes) return "The headers are longer than 1 MiB";
    (target.headers[name] ??= []).push(value);
    return undefined;
  }

  #addBody(target: Target, path: string): string | undefined {
    if (!this.#mayReadFiles) return "Files as bodies have to be asked for: --input-format vegeta";
    try {
      target.body = this.#read(path);
      return undefined;
    } catch (error) {
      return `Cannot read the body: ${(error as Error).message.replaceAll(path, redactUrl(path))}`;
    }
  }

  #read(path: string): Buffer {
    if (this.#lastFile?.path === path) return this.#lastFile.bytes;
    const fd = openSync(path, "r");
    try {
      if (!fstatSync(fd).isFile()) throw new Error(`\`${path}\` is no file`);
      const bytes = readFileSync(fd);
      this.#lastFile = { path, bytes };
      return bytes;
    } finally {
      closeSync(fd);
    }
  }
}

const noTarget = "Expected a target such as `GET https://example.com/`";

/** Targets of vegeta in its JSON format: `{method, url, body?, header?}`, the body in base64. */
export const vegetaJson: JsonFormat = {
  example: '{"method": "GET", "url": "https://example.com"}',
  names: { headers: "header" },
  read({ method, url, body, header }) {
    if (method === undefined) throw new FieldProblem("method", "`method` is missing");
    return { method, url, headers: header, body: decoded(body) };
  },
};

function decoded(body: unknown): Buffer | undefined {
  if (body === undefined || body === null || body === "") return undefined;
  if (typeof body !== "string" || body.length % 4 !== 0 || !/^[A-Za-z\d+/]+={0,2}$/.test(body)) {
    throw new FieldProblem("body", "Expected `body` to be in base64");
  }
  return Buffer.from(body, "base64");
}

/** Whether the first line of an input can only be a target in the HTTP format. */
export function isVegetaTarget(line: string): boolean {
  return requestLine.test(line);
}

/** Whether `value`, the first line of an input, can only be a target in the JSON format. */
export function isVegetaJson(value: unknown): boolean {
  if (typeof value !== "object" || value === null || "headers" in value) return false;
  const { method, header } = value as { method?: unknown; header?: unknown };
  if (typeof method !== "string" || typeof header !== "object" || header === null) return false;
  return Object.values(header).every((values) => Array.isArray(values));
}
