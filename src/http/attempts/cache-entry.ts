import { type CachePolicy, type CacheRequest, makePolicy } from "../http-cache-semantics.ts";
import type { WireHeaders } from "../undici.ts";

/** A request as caches see it, and for whom it is. */
export interface CacheView extends CacheRequest {
  /** Whose responses it may be given: those of the same user. */
  readonly partition: string;
}

/** What is counted for an entry besides its texts and bytes. */
const overheadBytes = 1_024;

/** A response that is kept. */
export class CacheEntry {
  readonly url: string;
  readonly partition: string;
  readonly status: number;
  readonly body: Buffer;
  /** All of it, roughly. */
  readonly bytes: number;
  readonly #policy: CachePolicy;
  readonly #headers: WireHeaders;
  /** Whether it is of no use once it is stale, until the server has been asked. */
  readonly #mustRevalidate: boolean;
  /** The headers that the response depends on, and what they were. */
  readonly #vary: readonly (readonly [name: string, value: string | undefined])[];
  /** Whether somebody asks for it while others are given what there is. */
  isRevalidating = false;

  constructor(view: CacheView, head: CacheHead, body: Buffer) {
    this.url = view.url;
    this.partition = view.partition;
    this.status = head.status;
    this.body = body;
    this.#policy = head.policy;
    this.#headers = head.headers;
    this.#mustRevalidate = mustRevalidate(head.headers);
    this.#vary = head.vary.map((name) => [name, view.headers[name]] as const);
    this.bytes = body.length + JSON.stringify(head.headers).length + 2 * view.url.length + overheadBytes;
  }

  /** Whether it is a response to such a request. */
  isFor({ partition, headers }: CacheView): boolean {
    return partition === this.partition && this.#vary.every(([name, value]) => headers[name] === value);
  }

  /** What to do about a request that it {@link isFor}: give it, give it and ask for it anew, or ask first. */
  useFor(view: CacheView): "fresh" | "stale" | "stale-while-revalidate" | "ask" {
    const isStale = this.#policy.stale();
    if (isStale && this.#mustRevalidate) return "ask";
    const { response, revalidation } = this.#policy.evaluateRequest(view);
    if (response === undefined) return "ask";
    if (revalidation !== undefined) return revalidation.synchronous ? "ask" : "stale-while-revalidate";
    return isStale ? "stale" : "fresh";
  }

  /** Whether it may be given although the server has failed. */
  get isGoodDespiteErrors(): boolean {
    if (this.#mustRevalidate || !/\bstale-if-error\s*=/i.test(String(this.#headers["cache-control"]))) return false;
    try {
      // Without a response: that is how it is told of an error.
      return this.#policy.revalidatedPolicy({ method: "GET", url: this.url, headers: {} }, undefined).matches;
    } catch {
      return false;
    }
  }

  /** The headers that ask the server whether it is still good, as name, value, name, value. */
  questionFor(view: CacheView): string[] {
    const asked = this.#policy.revalidationHeaders(view);
    return ["if-none-match", "if-modified-since"].flatMap((name) => {
      const value = asked[name];
      return value === undefined ? [] : [name, value];
    });
  }

  /**
   * The same, after the server has said by 304 that it is still good.
   *
   * @returns with whether it may be kept; undefined if that was no answer to this
   */
  renewed(view: CacheView, headers: WireHeaders): { entry: CacheEntry; isStorable: boolean } | undefined {
    const { matches } = this.#policy.revalidatedPolicy(view, { status: 304, headers: flat(headers) });
    if (!matches) return undefined;
    // It is as old as the answer by now.
    const { age: _age, date: _date, ...merged } = this.#headers;
    for (const [name, value] of Object.entries(headers)) if (!ofTheBody.has(name)) merged[name] = value;
    const head = readHead(view, this.status, merged);
    return { entry: new CacheEntry(view, head, this.body), isStorable: head.isStorable };
  }

  /** Its headers for whom it is given to. */
  headers(): WireHeaders {
    const { "cache-control": control, "set-cookie": cookies } = this.#headers;
    const own: WireHeaders = { ...this.#policy.responseHeaders() };
    if (control !== undefined) own["cache-control"] = control;
    if (cookies !== undefined) own["set-cookie"] = cookies;
    return own;
  }
}

/** Headers of a 304 that say nothing of the response it is about. */
const ofTheBody: ReadonlySet<string> = new Set([
  "content-length",
  "content-encoding",
  "content-range",
  "transfer-encoding",
  "connection",
]);

/** The beginning of a response, as caches see it. */
export interface CacheHead {
  readonly status: number;
  readonly headers: WireHeaders;
  /** The names of the headers that it depends on. */
  readonly vary: readonly string[];
  readonly policy: CachePolicy;
  /** Whether it may be kept, and would be of use. */
  readonly isStorable: boolean;
}

export function readHead(view: CacheView, status: number, headers: WireHeaders): CacheHead {
  const vary = varyOf(headers);
  const given = flat(headers);
  // The library asks for such responses anew each time, also while they are fresh.
  if (mustRevalidate(headers)) given["cache-control"] = given["cache-control"]!.replace(staleness, "");
  const policy = makePolicy(view, { status, headers: given });
  const isOfUse = given["etag"] !== undefined || given["last-modified"] !== undefined || policy.timeToLive() > 0;
  return { status, headers, vary, policy, isStorable: isOfUse && policy.storable() && !vary.includes("*") };
}

function varyOf({ vary }: WireHeaders): string[] {
  const names = [vary ?? []].flat().flatMap((text) => text.toLowerCase().split(","));
  return names.map((name) => name.trim()).filter((name) => name !== "");
}

const staleness = /\b(?:must-revalidate|stale-while-revalidate\s*=\s*"?\d*"?|stale-if-error\s*=\s*"?\d*"?)\s*,?/gi;

function mustRevalidate({ "cache-control": control }: WireHeaders): boolean {
  return /\bmust-revalidate\b/i.test(String(control));
}

/** Headers with one value each. The library knows directives in lower case only. */
function flat(headers: WireHeaders): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const text = typeof value === "string" ? value : value.join(", ");
    own[name] = name === "cache-control" ? text.toLowerCase() : text;
  }
  // An age below zero would make it fresh for longer.
  if (!/^\d+$/.test(own["age"] ?? "")) delete own["age"];
  return own;
}
