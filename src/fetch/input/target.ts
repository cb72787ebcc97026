import { type Target as WireTarget, isPlainPath, targetOf } from "../../http/index.ts";

/** Where a request goes, and what that is called in results. */
export interface Target extends WireTarget {
  /** The URL for results and messages: as it was given, but never with credentials. */
  readonly url: string;
  /** Whether the URL is the same in JSON, but for the quotes. */
  readonly isPlain: boolean;
}

/** Reads URLs. Remembers the last origin: in a list, the next URL mostly goes to the same. */
export class TargetParser {
  #origin = "";

  /**
   * @throws {TypeError} `text` is no http or https URL; the message is for people and without credentials
   */
  parse(text: string): Target {
    const origin = this.#origin;
    if (origin !== "" && text.charCodeAt(origin.length) === 0x2f && text.startsWith(origin)) {
      const path = text.slice(origin.length);
      if (isPlainPath(path)) return { origin, path, url: text, isPlain: true, authorization: undefined };
    }
    return this.#parseWhole(text);
  }

  #parseWhole(text: string): Target {
    const url = parseUrl(text);
    this.#origin = url.origin;
    const hasCredentials = url.username !== "" || url.password !== "";
    const { hash } = url;
    const { origin, path, authorization } = targetOf(url);
    return { origin, path, url: hasCredentials ? url.href + hash : text, isPlain: false, authorization };
  }
}

function parseUrl(text: string): URL {
  const blank = /\s/.exec(text);
  if (blank !== null) {
    throw new UrlProblem("A URL cannot contain spaces: write a space as %20, and one URL a line", blank.index + 1);
  }
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  const shown = shorten(redactUrl(text));
  if (url === null && /^[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/?#]|$)/.test(text)) {
    throw new UrlProblem(`Expected a URL with a scheme, got \`${shown}\`: did you mean \`https://${shown}\`?`);
  }
  throw new UrlProblem(`Expected an http or https URL, got \`${shown}\``);
}

/** A text that is no URL to fetch. */
export class UrlProblem extends TypeError {
  /** Character in the text, counted from 1, if one is to blame. */
  readonly column: number | undefined;

  constructor(message: string, column?: number) {
    super(message);
    this.column = column;
  }
}

/** `text` without the credentials of a URL, even where the URL is wrong. */
export function redactUrl(text: string): string {
  if (!text.includes("@")) return text;
  // A text with spaces in it may be two URLs, and the parser would take the second for a part of the first.
  const url = /\s/.test(text) ? null : URL.parse(text);
  if (url !== null && url.host !== "") {
    if (url.username === "" && url.password === "") return text;
    url.username = "";
    url.password = "";
    return url.href;
  }
  // Nothing tells where the credentials of a wrong URL end: a password may contain a slash. All before the last @ goes.
  const scheme = /^\s*[a-z][a-z\d+.-]*:\/\//i.exec(text)?.[0] ?? "";
  return `${scheme}***@${text.slice(text.lastIndexOf("@") + 1)}`;
}

const maxShownLength = 100;

/** The beginning of a long text, for messages. */
function shorten(text: string): string {
  return text.length <= maxShownLength ? text : `${text.slice(0, maxShownLength - 1)}…`;
}
