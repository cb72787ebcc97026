import { wrong } from "./request/check.ts";
import { type FileCookie, readCookieFile, setCookieOf, urlOf, writeCookieFile } from "./request/cookie-file.ts";
import { type CookieKeeper, type KeptCookie, makeKeeper, restoreKeeper, scopeOf } from "./tough-cookie.ts";

/** A cookie in a {@link CookieJar}. */
export interface CookieEntry {
  /** What it is called. */
  readonly name: string;
  /** What it says. */
  readonly value: string;
  /** The host it is for; with those below it, if it is for a whole domain. */
  readonly domain: string;
  /** It goes to URLs below it. */
  readonly path: string;
  /** When it ends; undefined if it is for as long as the jar is. */
  readonly expires: Date | undefined;
}

/** Longer ones are not kept, as browsers do not. */
const maxCookieBytes = 4_096;
/** More of one host are not kept: those set longest ago make way. */
const maxOfHost = 180;
/** What cannot be sent. */
const unsendable = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * The cookies of a client: what servers have set, and which of it goes where. Made for `openSession({ cookies })`; several
 * sessions may share one, and one session may use several, one for each user it acts for.
 *
 * A host can set cookies for itself and for domains that it is in, but for none that belongs to many, such as `co.uk`; and
 * without TLS none that is `Secure`, nor one in place of such.
 * Cookies live in memory; to keep them for longer, save what {@link CookieJar.toJSON | toJSON} gives, or the file of
 * {@link CookieJar.toNetscape | toNetscape}, which other programs know.
 *
 * @example
 * ```ts
 * import { readFile, writeFile } from "node:fs/promises";
 * import { CookieJar, openSession } from "taskwright/http";
 *
 * const cookies = CookieJar.fromJSON(JSON.parse(await readFile("cookies.json", "utf8")));
 * await using session = openSession({ cookies });
 * await (await session.get("https://example.com/")).discard();
 * await writeFile("cookies.json", JSON.stringify(cookies), { mode: 0o600 });
 * ```
 */
export class CookieJar {
  #keeper: CookieKeeper | undefined = undefined;

  /**
   * Makes a jar of what was saved.
   *
   * @param json - what {@link CookieJar.toJSON | toJSON} gave, or what `JSON.parse` makes of its text
   * @throws {TypeError} it is something else
   */
  static fromJSON(json: unknown): CookieJar {
    const jar = new CookieJar();
    const { cookies } = (typeof json === "object" && json !== null ? json : {}) as { cookies?: unknown };
    if (!Array.isArray(cookies)) throw new TypeError(wrong("json", "what a CookieJar gave as JSON", json));
    try {
      jar.#keeper = restoreKeeper(JSON.stringify(json));
    } catch (cause) {
      throw new TypeError(wrong("json", "what a CookieJar gave as JSON", json), { cause });
    }
    return jar;
  }

  /**
   * Makes a jar of a file of cookies, as browsers export them and curl and wget read and write them. Those that have
   * ended are left out, and those of domains that belong to many.
   *
   * @param text - what is in the file: a line for each cookie, seven fields with tabs between
   * @throws {TypeError} a line is something else; the message has its number, and no secret
   *
   * @example
   * ```ts
   * import { CookieJar } from "taskwright/http";
   *
   * const line = [".example.com", "TRUE", "/", "TRUE", "0", "session", "a1b2"].join("\t");
   * const cookies = CookieJar.fromNetscape(`# Netscape HTTP Cookie File\n${line}\n`);
   * console.log(cookies.cookies("https://www.example.com/").map(({ name }) => name)); // => [ 'session' ]
   * ```
   */
  static fromNetscape(text: string): CookieJar {
    if (typeof text !== "string") throw new TypeError(wrong("text", "a string", text));
    const jar = new CookieJar();
    const cookies = readCookieFile(text);
    for (const cookie of cookies) jar.#take(setCookieOf(cookie), urlOf(cookie));
    for (const url of new Set(cookies.map(urlOf))) jar.#trim(url);
    return jar;
  }

  get #open(): CookieKeeper {
    return (this.#keeper ??= makeKeeper());
  }

  /**
   * Takes a cookie, as if `url` had sent it.
   *
   * @param cookie - as in a `Set-Cookie` header: `name=value; Path=/; Max-Age=3600`
   * @returns false if it is none, or one that `url` may not set; then nothing has changed
   * @throws {TypeError} `cookie` is no string, or `url` no URL
   */
  set(cookie: string, url: string | URL): boolean {
    if (typeof cookie !== "string") throw new TypeError(wrong("cookie", "a string", cookie));
    const href = hrefOf(url);
    const isSet = this.#take(cookie, href);
    this.#trim(href);
    return isSet;
  }

  /**
   * The cookies that go to `url`, those of longer paths first.
   *
   * @param url - undefined for all there are
   * @throws {TypeError} `url` is no URL
   */
  cookies(url?: string | URL): CookieEntry[] {
    return (url === undefined ? this.#all() : this.#found(hrefOf(url))).map(entryOf);
  }

  /** Forgets all cookies. */
  clear(): void {
    this.#keeper?.removeAllCookiesSync();
  }

  /** All cookies, for `JSON.stringify`: they are secrets, so mind who can read them. */
  toJSON(): object {
    return this.#open.serializeSync() ?? {};
  }

  /**
   * All cookies as a file that curl, wget and the like read: they are secrets, so mind who can read it. Those that end
   * with the session are in it, too.
   */
  toNetscape(): string {
    return writeCookieFile(this.#all().map(fileCookieOf));
  }

  /** @internal Takes what a response from `url` has set: whatever that is, it does not throw. */
  takeAll(setCookie: string | readonly string[] | undefined, url: string): void {
    if (setCookie === undefined) return;
    for (const cookie of typeof setCookie === "string" ? [setCookie] : setCookie) this.#take(cookie, url);
    this.#trim(url);
  }

  /** @internal Those that go to `url`, as pairs of name and `name=value`. */
  pairsFor(url: string): [name: string, pair: string][] {
    if (this.#keeper === undefined) return [];
    const pairs = this.#found(url).map((cookie): [string, string] => [cookie.key, cookie.cookieString()]);
    return pairs.filter(([, pair]) => !unsendable.test(pair));
  }

  #all(): KeptCookie[] {
    const all: KeptCookie[] = [];
    this.#open.store.getAllCookies((_error, found = []) => all.push(...found));
    return all.filter((cookie) => cookie.TTL() > 0);
  }

  #take(cookie: string, url: string): boolean {
    if (cookie.length > maxCookieBytes) return false;
    try {
      if (this.#hidesSecure(cookie, url)) return false;
      return this.#open.setCookieSync(cookie, url, { ignoreError: true }) !== undefined;
    } catch {
      return false; // What a server sends is no reason for a request to fail.
    }
  }

  /**
   * Whether `cookie`, which came without TLS, would take the place of one that goes over TLS only, or stand before it: then
   * whoever is on the way could choose what the server takes for its own.
   */
  #hidesSecure(cookie: string, url: string): boolean {
    if (this.#keeper === undefined || !url.startsWith("http:")) return false;
    const { hostname, pathname } = new URL(url);
    const scope = scopeOf(cookie, hostname, pathname);
    if (scope === undefined) return false;
    // To this machine itself they go without TLS, too.
    const seen = new Set(this.#found(url, true));
    return [hostname, scope.domain]
      .flatMap((host) => this.#found(`https://${host}/`, true))
      .some((kept) => kept.secure && kept.key === scope.name && !seen.has(kept) && scope.isWithin(kept.path));
  }

  #found(url: string, allPaths = false): KeptCookie[] {
    try {
      return this.#open.getCookiesSync(url, { allPaths, sort: true });
    } catch {
      return []; // Of no host that could have cookies.
    }
  }

  #trim(url: string): void {
    const all = this.#found(url, true);
    if (all.length <= maxOfHost) return;
    const oldest = all.toSorted((a, b) => a.creationIndex - b.creationIndex).slice(0, all.length - maxOfHost);
    for (const { domain, path, key } of oldest) this.#open.store.removeCookie(domain, path, key, () => {});
  }
}

function hrefOf(url: string | URL): string {
  const parsed = URL.parse(String(url));
  if (parsed === null) throw new TypeError(wrong("url", "a URL", url));
  return parsed.href;
}

function entryOf(cookie: KeptCookie): CookieEntry {
  const { key: name, value, domain, path } = cookie;
  return {
    name,
    value,
    domain: domain ?? "",
    path: path ?? "/",
    expires: cookie.isPersistent() ? cookie.expiryDate() : undefined,
  };
}

function fileCookieOf(cookie: KeptCookie): FileCookie {
  const { name, value, domain, path, expires } = entryOf(cookie);
  const { hostOnly, secure: isSecure, httpOnly: isHttpOnly } = cookie;
  return { name, value, domain, path, expires, isForSubdomains: hostOnly !== true, isSecure, isHttpOnly };
}
