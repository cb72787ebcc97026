import { wrong } from "./check.ts";

/** Headers to send: an object, web Headers, or pairs. An undefined value removes one of the session's. */
export type HeadersInput =
  | Readonly<Record<string, string | number | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

/** Name, value, name, value, ... with names in lower case. What undici takes without copying. */
export type HeaderList = readonly string[];

const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const badInValue = /[^\t\x20-\x7e\x80-\xff]/;

/** Headers that belong to the connection, which undici manages or refuses. */
const notYours: ReadonlySet<string> = new Set(["transfer-encoding", "keep-alive", "upgrade", "expect"]);

/** Headers that carry credentials: not for other hosts than they were meant for. */
const secret: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"]);

/**
 * The headers of a request: those of the session, with `given` in place of its equals.
 *
 * @throws {TypeError} a name or value that HTTP does not allow; the message shows no value
 */
export function mergeHeaders(base: HeaderList, given: HeadersInput | undefined): HeaderList {
  if (given === undefined) return base;
  const added: string[] = [];
  const names = new Set<string>();
  for (const [name, value] of entriesOf(given)) {
    const lower = checkName(name);
    names.add(lower);
    for (const one of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      if (one !== undefined) added.push(lower, checkValue(lower, one));
    }
  }
  const merged: string[] = [];
  for (let i = 0; i < base.length; i += 2) if (!names.has(base[i]!)) merged.push(base[i]!, base[i + 1]!);
  for (const item of added) merged.push(item);
  return merged;
}

/** Whether `headers` has `name`, which is in lower case. */
export function hasHeader(headers: HeaderList, name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return true;
  return false;
}

/** `headers` with one more, unless it is there already. */
export function withDefault(headers: HeaderList, name: string, value: string): HeaderList {
  return hasHeader(headers, name) ? headers : [...headers, name, value];
}

/** `headers` without those that carry credentials. */
export function withoutSecrets(headers: HeaderList): HeaderList {
  return headers.filter((_, i) => !secret.has(headers[i - (i % 2)]!));
}

function entriesOf(given: HeadersInput): Iterable<readonly [string, unknown]> {
  if (typeof given !== "object" || given === null) throw new TypeError(wrong("headers", "an object or pairs", given));
  return Symbol.iterator in given ? (given as Iterable<readonly [string, string]>) : Object.entries(given);
}

function checkName(name: unknown): string {
  if (typeof name !== "string" || !token.test(name))
    throw new TypeError(wrong("headers", "named by HTTP tokens", name));
  const lower = name.toLowerCase();
  if (notYours.has(lower)) throw new TypeError(`The header \`${lower}\` is set by the connection: remove it`);
  return lower;
}

function checkValue(name: string, value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number") {
    throw new TypeError(`Expected the header \`${name}\` to be a string or a number, got ${typeof value}`);
  }
  const text = String(value);
  const bad = badInValue.exec(text);
  if (bad === null) return text;
  const code = bad[0].codePointAt(0)!.toString(16).padStart(4, "0").toUpperCase();
  throw new TypeError(
    `The header \`${name}\` has a character that HTTP does not allow in headers: U+${code} at ${bad.index}`,
  );
}
