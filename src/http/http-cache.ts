import type { CacheEntry, CacheView } from "./attempts/cache-entry.ts";
import { checkBytes, wrong } from "./request/check.ts";

/** Settings of an {@link HttpCache}. */
export interface HttpCacheOptions {
  /** How much is kept, in bytes: bodies, headers and what else it takes. What was used longest ago makes way. @default 67_108_864 */
  readonly maxBytes?: number;
  /** The longest body that is kept, in bytes. @default an eighth of `maxBytes` */
  readonly maxBodyBytes?: number;
}

/** More responses of one URL are not kept: it would take long to find the right one. */
const maxOfUrl = 100;
/** How many URLs are remembered of which the responses were invalidated. */
const maxInvalidated = 256;

/** What a cache has done, and holds. */
export interface HttpCacheStatistics {
  /** Responses held. */
  readonly entries: number;
  /** What they take, in bytes. */
  readonly bytes: number;
  /** Requests answered from the cache, without the server having been asked. */
  readonly hits: number;
  /** Requests answered from the cache after the server had said that it is still good. */
  readonly validated: number;
  /** Requests that could not be answered from the cache. */
  readonly misses: number;
}

/** How a response came to be answered from the cache: it was fresh; the server said that it is still good; or it is stale. */
export type CacheUse = "fresh" | "validated" | "stale";

/**
 * Responses that may be used again, in memory, as RFC 9111 has it for the cache of one user. Made for
 * `openSession({ cache })`; several sessions may share one.
 *
 * @example
 * ```ts
 * import { HttpCache, openSession } from "taskwright/http";
 *
 * const cache = new HttpCache({ maxBytes: 10_000_000 });
 * await using session = openSession({ cache });
 * const response = await session.get("https://example.com/");
 * console.log(response.fromCache, cache.statistics().hits);
 * ```
 */
export class HttpCache {
  readonly #maxBytes: number;
  /** @internal */
  readonly maxBodyBytes: number;
  /** Of each URL. */
  readonly #byUrl = new Map<string, CacheEntry[]>();
  /** In order of use, longest ago first. */
  readonly #inOrder = new Set<CacheEntry>();
  /** The URLs invalidated last: what is on its way from there is not to be kept. */
  #invalidated: string[] = [];
  #invalidations = 0;
  #bytes = 0;
  #hits = 0;
  #validated = 0;
  #misses = 0;

  /** @throws {TypeError | RangeError} an option is wrong */
  constructor(options: HttpCacheOptions = {}) {
    if (typeof options !== "object" || options === null) throw new TypeError(wrong("cache", "an object", options));
    this.#maxBytes = checkBytes("cache.maxBytes", options.maxBytes ?? 64 * 1024 * 1024);
    this.maxBodyBytes = checkBytes("cache.maxBodyBytes", options.maxBodyBytes ?? this.#maxBytes / 8);
  }

  /** What it has done, and holds. */
  statistics(): HttpCacheStatistics {
    return Object.freeze({
      entries: this.#inOrder.size,
      bytes: this.#bytes,
      hits: this.#hits,
      validated: this.#validated,
      misses: this.#misses,
    });
  }

  /** Forgets all responses. */
  clear(): void {
    this.#byUrl.clear();
    this.#inOrder.clear();
    this.#bytes = 0;
  }

  /**
   * Forgets the responses from one URL.
   *
   * @param url - whole, with its query
   * @throws {TypeError} it is no URL
   */
  delete(url: string | URL): void {
    const parsed = URL.parse(String(url));
    if (parsed === null) throw new TypeError(wrong("url", "a URL", url));
    parsed.hash = "";
    this.invalidate(parsed.href);
  }

  /** @internal The same, of a URL that is written as the URL parser would. */
  invalidate(url: string): void {
    this.#invalidations++;
    this.#invalidated.push(url);
    if (this.#invalidated.length > maxInvalidated) this.#invalidated.shift();
    for (const entry of this.#byUrl.get(url)?.slice() ?? []) this.remove(entry);
  }

  /** @internal A point in time, for {@link wasInvalidated}. */
  get moment(): number {
    return this.#invalidations;
  }

  /** @internal Whether responses from `url` were invalidated since, or may have been. */
  wasInvalidated(url: string, since: number): boolean {
    const recent = this.#invalidations - since;
    if (recent === 0) return false;
    return recent > this.#invalidated.length || this.#invalidated.slice(-recent).includes(url);
  }

  /** @internal */
  find(view: CacheView): CacheEntry | undefined {
    const found = this.#byUrl.get(view.url)?.findLast((entry) => entry.isFor(view));
    if (found !== undefined) {
      this.#inOrder.delete(found);
      this.#inOrder.add(found);
    }
    return found;
  }

  /** @internal In place of what there is for the same requests. */
  store(entry: CacheEntry, view: CacheView): void {
    this.replace(view);
    if (entry.bytes > this.#maxBytes) return;
    const others = this.#byUrl.get(entry.url);
    if (others === undefined) this.#byUrl.set(entry.url, [entry]);
    else if (others.push(entry) > maxOfUrl) this.remove(others[0]!);
    this.#inOrder.add(entry);
    this.#bytes += entry.bytes;
    for (const oldest of this.#inOrder) {
      if (this.#bytes <= this.#maxBytes) break;
      this.remove(oldest);
    }
  }

  /** @internal Forgets what there is for such requests: there is something newer. */
  replace(view: CacheView): void {
    const old = this.#byUrl.get(view.url)?.filter((entry) => entry.isFor(view)) ?? [];
    for (const entry of old) this.remove(entry);
  }

  /** @internal */
  remove(entry: CacheEntry): void {
    if (!this.#inOrder.delete(entry)) return;
    this.#bytes -= entry.bytes;
    const others = this.#byUrl.get(entry.url)!;
    others.splice(others.indexOf(entry), 1);
    if (others.length === 0) this.#byUrl.delete(entry.url);
  }

  /** @internal */
  count(use: CacheUse | undefined): void {
    if (use === undefined) this.#misses++;
    else if (use === "validated") this.#validated++;
    else this.#hits++;
  }
}
