/**
 * The one file that knows http-cache-semantics: what RFC 9111 and RFC 5861 say of a response in a cache. Loaded when the
 * first response comes that a cache is to look at.
 */
import { createRequire } from "node:module";

/** A request, as far as caches look at it: names of headers in lower case. */
export interface CacheRequest {
  /** `GET`, or what is answered as if it were. */
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The same of a response. */
export interface CacheResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is known of a stored response. */
export interface CachePolicy {
  storable(): boolean;
  stale(): boolean;
  /** How long it may be of use without being asked for again, in milliseconds. */
  timeToLive(): number;
  /** What to do with it for a request: there is a response unless it must be asked for first. */
  evaluateRequest(request: CacheRequest): {
    readonly response: { readonly headers: Record<string, string> } | undefined;
    readonly revalidation: { readonly synchronous: boolean } | undefined;
  };
  /** With the `Age` it has by now. */
  responseHeaders(): Record<string, string>;
  /** Those of the request, with what asks whether it is still good. */
  revalidationHeaders(request: CacheRequest): Record<string, string>;
  /** What is known after an answer of 304; `matches` says whether that was an answer to this. */
  revalidatedPolicy(
    request: CacheRequest,
    response: CacheResponse | undefined,
  ): { readonly policy: CachePolicy; readonly matches: boolean };
}

type CachePolicyClass = new (
  request: CacheRequest,
  response: CacheResponse,
  options: { shared: boolean; cacheHeuristic: number; immutableMinTimeToLive: number },
) => CachePolicy;

const require = createRequire(import.meta.url);

/** For the cache of one user. Nothing is guessed: what servers do not say to be fresh is asked for again. */
export function makePolicy(request: CacheRequest, response: CacheResponse): CachePolicy {
  const Policy = require("http-cache-semantics") as CachePolicyClass;
  return new Policy(request, response, { shared: false, cacheHeuristic: 0, immutableMinTimeToLive: 0 });
}
