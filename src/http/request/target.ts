import { wrong } from "./check.ts";

/** Where a request goes. */
export interface Target {
  /** `https://example.com:8443`: what connections and limits are kept by. */
  readonly origin: string;
  /** Path and query, as they go on the wire. */
  readonly path: string;
  /** The value of an `Authorization` header, from credentials in the URL. */
  readonly authorization: string | undefined;
}

/**
 * Paths that the URL parser would leave as they are, dots and `%2e` excepted.
 *
 * The single quote is missing on purpose: it stays in paths, but is escaped in queries.
 */
const plainPath = /^\/[\w\-.~!$&()*+,;=:@%/?]*$/;
const mayBeDotSegment = /\/\.|%2e/i;

/** Whether the URL parser would leave `path` as it is. */
export function isPlainPath(path: string): boolean {
  return plainPath.test(path) && !mayBeDotSegment.test(path);
}

/** Reads the URLs of a session. */
export class TargetReader {
  /** Ends in a slash, so that relative URLs go below it. */
  readonly #base: URL | undefined;

  /** @throws {TypeError} `baseUrl` is no http or https URL */
  constructor(baseUrl: string | URL | undefined) {
    if (baseUrl === undefined) return;
    this.#base = parse(baseUrl, undefined, "baseUrl");
    this.#base.search = "";
    this.#base.hash = "";
    if (!this.#base.pathname.endsWith("/")) this.#base.pathname += "/";
  }

  /** The origin of the base URL. */
  get baseOrigin(): string | undefined {
    return this.#base?.origin;
  }

  /**
   * @param isKnown - whether this is the origin of a host, written as the URL parser would
   * @throws {TypeError} not a URL, or not one of http or https
   */
  read(url: string | URL, isKnown: (origin: string) => boolean): Target {
    return (typeof url === "string" ? readPlain(url, isKnown) : undefined) ?? targetOf(parse(url, this.#base, "url"));
  }
}

/** The target of a URL that needs no parser, as most do: parsing costs a tenth of a whole request. */
function readPlain(url: string, isKnown: (origin: string) => boolean): Target | undefined {
  const slash = url.indexOf("/", "https://".length);
  if (slash === -1) return undefined;
  const origin = url.slice(0, slash);
  if (!isKnown(origin)) return undefined;
  const path = url.slice(slash);
  return isPlainPath(path) ? { origin, path, authorization: undefined } : undefined;
}

/** Takes the credentials out of `url`, and its fragment off. */
export function targetOf(url: URL): Target {
  const authorization = takeCredentials(url);
  url.hash = "";
  // Not pathname and search: of an empty query they lose the question mark.
  return { origin: url.origin, path: url.href.slice(url.origin.length), authorization };
}

function parse(text: string | URL, base: URL | undefined, name: string): URL {
  if (typeof text !== "string" && !(text instanceof URL)) throw new TypeError(wrong(name, "a string or a URL", text));
  const url = typeof text === "string" ? URL.parse(text, base?.href) : new URL(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  const expected =
    base === undefined && name === "url"
      ? "a whole http or https URL, or the session to have a `baseUrl`"
      : "an http or https URL";
  throw new TypeError(wrong(name, expected, redact(String(text))));
}

/** Removes user and password from `url`, and makes the value of an `Authorization` header of them. */
export function takeCredentials(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const credentials = `${decode(url.username)}:${decode(url.password)}`;
  url.username = "";
  url.password = "";
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/** Undoes percent-encoding, and leaves alone what is none. */
function decode(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll("%", ""), "hex").toString());
}

/** A URL without what may be secret in it: user, password, query and fragment; also of one that is wrong. */
export function redact(text: string): string {
  const at = text.lastIndexOf("@");
  const url = at === -1 ? null : URL.parse(text);
  // An @ may well stand in a path.
  if (url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === "")
    return url.origin + url.pathname;
  if (at === -1) return text.replace(/[?#].*$/s, "");
  // Nothing tells where the credentials of a wrong URL end. What follows an @ may also be of a query that began before it.
  const scheme = /^\s*[a-z][a-z\d+.-]*:\/\//i.exec(text)?.[0] ?? "";
  const mayBeQuery = /[?#]/.test(text.slice(0, at));
  return `${scheme}***@${mayBeQuery ? "" : text.slice(at + 1).replace(/[?#].*$/s, "")}`;
}

/** Values of a query: none for undefined and null, several for an array. */
export type QueryValue = string | number | boolean | bigint | null | undefined;

/** A query to add to a URL. */
export type Query = URLSearchParams | Readonly<Record<string, QueryValue | readonly QueryValue[]>>;

/** `path` with `query` added to what query it has. */
export function withQuery(path: string, query: Query): string {
  const added = (query instanceof URLSearchParams ? query : readQuery(query)).toString();
  if (added === "") return path;
  const mark = path.indexOf("?");
  if (mark === -1) return `${path}?${added}`;
  return mark === path.length - 1 || path.endsWith("&") ? path + added : `${path}&${added}`;
}

function readQuery(query: Exclude<Query, URLSearchParams>): URLSearchParams {
  if (typeof query !== "object" || query === null || Array.isArray(query)) {
    throw new TypeError(wrong("query", "an object or URLSearchParams", query));
  }
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? (value as readonly QueryValue[]) : [value as QueryValue]) {
      if (one === null || one === undefined) continue;
      if (typeof one === "object") throw new TypeError(wrong(`query.${name}`, "a string, a number or a boolean", one));
      params.append(name, String(one));
    }
  }
  return params;
}
