import { FieldProblem } from "./job-builder.ts";

/** What the names in a template stand for: the fields of one line. */
export interface Row {
  /** @throws {FieldProblem} there is no such field, or it is no text */
  text(name: string): string;
  /** The field as JSON. @throws {FieldProblem} there is no such field, or it is none */
  json(name: string): string;
}

/**
 * Where a template stands, which decides how values are written there: in a URL and in a form percent-encoded; in JSON
 * escaped within quotes, and as JSON outside of them; in a header as they are. `{+name}` is the value as it is, or in a
 * URL as far as it can be: what means something in a URL keeps its meaning.
 */
export type TemplateKind = "url" | "form" | "json" | "header";

/** A template that is wrong; the message is for people. */
export class TemplateProblem extends Error {}

interface Expression {
  readonly name: string;
  readonly write: (row: Row, name: string) => string;
}

/** `{name}` and `{+name}`. What has other things in braces is taken as it stands: JSON is full of them. */
const expression = /\{(\+?)([\p{L}\p{N}_][^{}"'\\:,]*)\}/gu;

/** A text with names of fields in it, such as `https://example.com/{id}?q={name}`. */
export class Template {
  readonly names: ReadonlySet<string>;
  readonly #parts: readonly (string | Expression)[];
  /** Whether a value could make a dot segment of the path, and so lead elsewhere. */
  readonly #hasPathValues: boolean;

  /** @throws {TemplateProblem} */
  constructor(text: string, kind: TemplateKind) {
    const parts: (string | Expression)[] = [];
    const names = new Set<string>();
    let at = 0;
    let isQuoted = false;
    for (const match of text.matchAll(expression)) {
      const [whole, plus, name] = match as unknown as [string, string, string];
      const before = text.slice(at, match.index);
      at = match.index + whole.length;
      parts.push(before);
      isQuoted = kind === "json" && endsQuoted(before, isQuoted);
      parts.push({ name: name.trim(), write: writerOf(kind, plus === "+", isQuoted) });
      names.add(name.trim());
    }
    parts.push(text.slice(at));
    this.#parts = parts.filter((part) => part !== "");
    this.names = names;
    this.#hasPathValues = kind === "url" && hasValuesInPath(this.#parts);
    if (kind === "url") checkUrl(this.#parts);
  }

  /** @throws {FieldProblem} a field is missing, or cannot stand there */
  expand(row: Row): string {
    let text = "";
    for (const part of this.#parts) text += typeof part === "string" ? part : part.write(row, part.name);
    if (this.#hasPathValues && dotSegment.test(text)) this.#refuseDots(row);
    return text;
  }

  /** A `..` between slashes would be taken as a way up, encoded or not: another page than the one that was meant. */
  #refuseDots(row: Row): void {
    const names = [...this.names];
    const name = names.find((one) => /^\.{1,2}$/.test(row.text(one))) ?? names[0]!;
    throw new FieldProblem(name, `\`${name}\` is a dot or two between slashes, which would lead to another URL`);
  }
}

const dotSegment = /^[^?#]*\/(?:\.|%2e){1,2}(?:[/?#]|$)/i;

/** Whether the path has names in it, none of which is to be taken as it is, and no dot segments of its own. */
function hasValuesInPath(parts: readonly (string | Expression)[]): boolean {
  const end = parts.findIndex((part) => typeof part === "string" && /[?#]/.test(part));
  const path = end === -1 ? parts : parts.slice(0, end);
  const expressions = path.filter((part) => typeof part !== "string");
  const literal = parts.map((part) => (typeof part === "string" ? part : "x")).join("");
  return (
    expressions.length > 0 && !expressions.some(({ write }) => write === keepReserved) && !dotSegment.test(literal)
  );
}

function checkUrl(parts: readonly (string | Expression)[]): void {
  const literal = parts.filter((part) => typeof part === "string").join("");
  if (/[{}]/.test(literal)) {
    throw new TemplateProblem("has a brace that is not of a name such as {id}");
  }
  const [first] = parts;
  if (typeof first !== "string" || first.startsWith("/")) return;
  const example = URL.parse(parts.map((part) => (typeof part === "string" ? part : "1")).join(""));
  if (example === null || !/^https?:$/.test(example.protocol)) {
    throw new TemplateProblem("is no http or https URL");
  }
}

/** Whether `text`, which begins within quotes or not, ends within quotes. */
function endsQuoted(text: string, isQuoted: boolean): boolean {
  for (let at = 0; at < text.length; at++) {
    if (isQuoted && text[at] === "\\") at++;
    else if (text[at] === '"') isQuoted = !isQuoted;
  }
  return isQuoted;
}

function writerOf(kind: TemplateKind, isRaw: boolean, isQuoted: boolean): Expression["write"] {
  if (kind === "url") return isRaw ? keepReserved : percentEncode;
  if (isRaw || kind === "header") return asItIs;
  if (kind === "form") return percentEncode;
  return isQuoted ? escapeJson : (row, name) => row.json(name);
}

const asItIs = (row: Row, name: string): string => row.text(name);

const escapeJson = (row: Row, name: string): string => JSON.stringify(row.text(name)).slice(1, -1);

/** All but the unreserved characters of RFC 3986. */
const percentEncode = (row: Row, name: string): string => {
  const encoded = encodeURIComponent(row.text(name).toWellFormed());
  return /[!'()*]/.test(encoded) ? encoded.replaceAll(/[!'()*]/g, hex) : encoded;
};

/** What has a meaning in URLs keeps it, and what is encoded already stays so. */
const keepReserved = (row: Row, name: string): string =>
  row
    .text(name)
    .toWellFormed()
    .replaceAll(/[^\w\-.~:/?#[\]@!$&'()*+,;=%]+|%(?![\da-f]{2})/gi, encodeURIComponent);

function hex(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
