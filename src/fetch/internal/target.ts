/** Where a request goes. */
export interface Target {
  /** `https://example.com:8443`: what limits and connections are kept by. */
  readonly origin: string;
  /** Path and query, as they go on the wire. */
  readonly path: string;
  /** The URL for results and messages: as it was given, but never with credentials. */
  readonly url: string;
  /** Whether the URL is the same in JSON, but for the quotes. */
  readonly isPlain: boolean;
  /** The value of an `Authorization` header, from credentials in the URL. */
  readonly authorization: string | undefined;
}

/**
 * What the URL parser would leave as it is, dots and `%2e` excepted: most URLs of a list need no parser.
 *
 * The single quote is missing on purpose: it stays in paths, but is escaped in queries.
 */
const plainPath = /^\/[\w\-.~!$&()*+,;=:@%/?]*$/;
const mayBeDotSegment = /\/\.|%2e/i;

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
      if (plainPath.test(path) && !mayBeDotSegment.test(path)) {
        return { origin, path, url: text, isPlain: true, authorization: undefined };
      }
    }
    const url = parseUrl(text);
    this.#origin = url.origin;
    const authorization = takeCredentials(url);
    const shown = authorization === undefined ? text : url.href;
    url.hash = "";
    return {
      origin: url.origin,
      // Not pathname and search: of an empty query they lose the question mark.
      path: url.href.slice(url.origin.length),
      url: shown,
      isPlain: false,
      authorization,
    };
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

function takeCredentials(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const credentials = `${decode(url.username)}:${decode(url.password)}`;
  url.username = "";
  url.password = "";
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `text` without the credentials of a URL, even where the URL is wrong. */
export function redactUrl(text: string): string {
  if (!text.includes("@")) return text;
  const url = URL.parse(text);
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
