import { type ScopeNode, background, checkedScope, grant } from "../../core/index.ts";
import type { CookieJar } from "../cookie-jar.ts";
import { BodyTooLargeError } from "../errors.ts";
import { type CacheUse, HttpCache, type HttpCacheOptions } from "../http-cache.ts";
import type { WireHeaders } from "../undici.ts";
import type { Auth } from "./auth.ts";
import { CacheEntry, type CacheView, readHead } from "./cache-entry.ts";
import { wrong } from "../request/check.ts";
import type { Answer, AnswerKind } from "./conversation.ts";
import { withCookies } from "./cookies.ts";
import { type Order, hrefOf, labelOf, nameOf } from "../wire/order.ts";
import { type Judge, Recorder } from "./recorder.ts";
import { type HeaderList, hasHeader } from "../request/request-headers.ts";
import { isRetryableError } from "./retryable.ts";
import type { Transport } from "../wire/transport.ts";
import type { WholeResponse } from "../wire/whole-exchange.ts";

/**
 * @param base - what holds where `given` says nothing
 * @throws {TypeError | RangeError} it is none of them, or an option is wrong
 */
export function readCache(
  given: HttpCache | HttpCacheOptions | boolean | undefined,
  base: HttpCache | undefined,
): HttpCache | undefined {
  if (given === undefined || given instanceof HttpCache) return given ?? base;
  if (given === false) return undefined;
  if (given === true) return base ?? new HttpCache();
  if (typeof given !== "object") throw new TypeError(wrong("cache", "an HttpCache, an object or a boolean", given));
  return new HttpCache(given);
}

/** What the answers to one request are looked up with, and got. */
export interface CacheDesk<A extends Answer> {
  readonly cache: HttpCache;
  readonly transport: Transport;
  readonly kind: AnswerKind<A>;
  /** Who puts on what the order does not say yet. */
  readonly auth: Auth | undefined;
  readonly cookies: CookieJar | undefined;
  send(scope: ScopeNode, order: Order): Promise<A>;
  /** Whether nobody waits for the answer: then it does not count. */
  readonly isUnattended: boolean;
  /** The same for a request that nobody waits for. */
  readonly unattended: () => CacheDesk<WholeResponse>;
}

/** Answers from the cache, or asks the server, and keeps what it answers. */
export async function answerCached<A extends Answer>(scope: ScopeNode, order: Order, desk: CacheDesk<A>): Promise<A> {
  if (!isForCaches(order)) return sendPast(scope, order, desk);
  const authorization = await authorizationOf(order, desk);
  checkedScope();
  const view = viewOf(order, desk, authorization);
  const entry = desk.cache.find(view);
  const use = entry?.useFor(view) ?? "ask";
  if (entry === undefined || use === "ask") {
    if (isOnlyIfCached(view)) return giveNone(scope, order, desk);
    if (order.wire.method === "GET") return ask(scope, order, desk, view, entry);
    desk.cache.count(undefined);
    return desk.send(scope, order);
  }
  if (use === "stale-while-revalidate") refresh(order, desk, view, entry);
  return give(scope, order, desk, entry, use === "fresh" ? "fresh" : "stale");
}

const ownConditions = ["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

function isForCaches({ wire: { method, headers, body } }: Order): boolean {
  if ((method !== "GET" && method !== "HEAD") || body !== null) return false;
  return !ownConditions.some((name) => hasHeader(headers, name));
}

/** What changes something makes stale what is known of it. */
async function sendPast<A extends Answer>(scope: ScopeNode, order: Order, desk: CacheDesk<A>): Promise<A> {
  const answer = await desk.send(scope, order);
  const { method } = order.wire;
  const isSafe = method === "GET" || method === "HEAD" || method === "OPTIONS" || method === "TRACE";
  if (isSafe || answer.status < 200 || answer.status >= 400) return answer;
  const { location, "content-location": content } = desk.kind.headersOf(answer);
  desk.cache.invalidate(hrefOf(order));
  for (const other of [location, content]) {
    const url = typeof other === "string" ? URL.parse(other, hrefOf(order)) : null;
    if (url?.origin !== order.origin) continue;
    url.hash = "";
    desk.cache.invalidate(url.href);
  }
  return answer;
}

/** Answers in place of which what is stale may be given. */
const errors: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** @param entry - what there is, which may still be good */
async function ask<A extends Answer>(
  scope: ScopeNode,
  order: Order,
  desk: CacheDesk<A>,
  view: CacheView,
  entry: CacheEntry | undefined,
): Promise<A> {
  const { cache, kind } = desk;
  const { moment } = cache;
  const recorder = new Recorder(cache.maxBodyBytes, judge(view));
  const question = entry?.questionFor(view) ?? [];
  const wire = { ...order.wire, headers: [...order.wire.headers, ...question] };
  let answer: A;
  try {
    answer = await desk.send(scope, { ...order, wire, recorder });
  } catch (error) {
    if (scope.stop !== undefined || !isRetryableError(error) || entry?.isGoodDespiteErrors !== true) throw error;
    return give(scope, order, desk, entry, "stale");
  }
  if (entry !== undefined && answer.status === 304 && question.length > 0) {
    kind.drop(answer);
    const renewed = entry.renewed(view, kind.headersOf(answer));
    if (renewed === undefined) {
      cache.remove(entry);
      return ask(checkedScope(), order, desk, view, undefined);
    }
    if (renewed.isStorable && !cache.wasInvalidated(view.url, moment)) cache.store(renewed.entry, view);
    else cache.remove(entry);
    return give(scope, order, desk, renewed.entry, "validated");
  }
  if (errors.has(answer.status) && entry?.isGoodDespiteErrors === true) {
    kind.drop(answer);
    return give(scope, order, desk, entry, "stale");
  }
  if (!desk.isUnattended) cache.count(undefined);
  const { last } = recorder;
  if (last === undefined && answer.status < 500) cache.replace(view);
  last?.keep((body) => {
    if (!cache.wasInvalidated(view.url, moment)) cache.store(new CacheEntry(view, last.head, body), view);
  });
  return answer;
}

function give<A extends Answer>(
  scope: ScopeNode,
  order: Order,
  { cache, kind, transport, isUnattended }: CacheDesk<A>,
  entry: CacheEntry,
  use: CacheUse,
): Promise<A> {
  transport.checkOpen(order);
  if (scope.stop !== undefined) checkedScope();
  const body = order.wire.method === "HEAD" ? Buffer.alloc(0) : entry.body;
  if (body.length > order.maxBodyBytes) throw new BodyTooLargeError(nameOf(order), "the body", order.maxBodyBytes);
  if (!isUnattended) cache.count(use);
  // A copy: the body is the reader's, who may do with it what he likes.
  return grant(
    scope,
    kind.stored!(order, { status: entry.status, headers: entry.headers(), body: Buffer.from(body), use }),
  );
}

/** Whether the server is not to be asked. */
function isOnlyIfCached({ headers }: CacheView): boolean {
  return /\bonly-if-cached\b/.test(headers["cache-control"] ?? "");
}

/** The answer where there is none in the cache and the server is not to be asked: as of a gateway that waits in vain. */
function giveNone<A extends Answer>(scope: ScopeNode, order: Order, desk: CacheDesk<A>): Promise<A> {
  const { cache, kind, transport } = desk;
  transport.checkOpen(order);
  if (scope.stop !== undefined) checkedScope();
  cache.count(undefined);
  const none = { status: 504, headers: { "content-length": "0" }, body: Buffer.alloc(0), use: undefined };
  return grant(scope, kind.stored!(order, none));
}

/** Asks for it anew, while others are given what there is. What that fails with is nobody's: it will be asked for again. */
function refresh<A extends Answer>(order: Order, desk: CacheDesk<A>, view: CacheView, entry: CacheEntry): void {
  if (entry.isRevalidating) return;
  entry.isRevalidating = true;
  const work = async (): Promise<void> => {
    try {
      await ask(checkedScope(), { ...order, maxBodyBytes: Infinity }, desk.unattended(), view, entry);
    } catch {
    } finally {
      entry.isRevalidating = false;
    }
  };
  background(work, { name: `revalidate ${labelOf(order)}`, daemon: true });
}

/** What must be known of every request, whatever a response says to depend on: who asks. */
const identifying = ["authorization", "cookie"];

/** A response that depends on what was put on late, by a hook say, could not be found again for the right requests. */
function judge(view: CacheView): Judge {
  return (status, headers, sent) => {
    const head = readHead(view, status, headers);
    const put = flatHeaders(sent);
    const isKnown = (name: string): boolean => put[name] === view.headers[name];
    return head.isStorable && [...identifying, ...head.vary].every(isKnown) ? head : undefined;
  };
}

/** What goes out as `Authorization`. A function is asked each time: it may know for whom the request is. */
async function authorizationOf(order: Order, { auth }: CacheDesk<Answer>): Promise<string | undefined> {
  const { method, headers } = order.wire;
  if (auth === undefined || hasHeader(headers, "authorization")) return undefined;
  return auth.value ?? (await auth.authorize({ method, url: hrefOf(order), wasRefused: false }));
}

/** @param authorization - what the order does not say yet */
function viewOf(order: Order, { cookies }: CacheDesk<Answer>, authorization: string | undefined): CacheView {
  const { headers } = order.wire;
  const url = hrefOf(order);
  const own = flatHeaders(headers);
  if (authorization !== undefined) own["authorization"] = authorization;
  // Cookies of the jar are not in here: what depends on them has to say so, as to any browser.
  const partition = JSON.stringify([own["authorization"], own["cookie"], idOf(cookies), order.decompress === true]);
  const cookie = cookies === undefined ? own["cookie"] : flatHeaders(withCookies(headers, cookies, url))["cookie"];
  return { method: "GET", url, headers: cookie === undefined ? own : { ...own, cookie }, partition };
}

function flatHeaders(list: HeaderList): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    // The library knows directives in lower case only.
    const value = name === "cache-control" ? list[i + 1]!.toLowerCase() : list[i + 1]!;
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

const ids = new WeakMap<object, number>();
let lastId = 0;

/** A number for who somebody is, as long as he is known. */
function idOf(who: object | undefined): number | undefined {
  if (who === undefined) return undefined;
  let id = ids.get(who);
  if (id === undefined) ids.set(who, (id = ++lastId));
  return id;
}

/** A response out of the cache. */
export interface StoredResponse {
  readonly status: number;
  readonly headers: WireHeaders;
  readonly body: Buffer;
  /** Undefined if there was none: then it only says so. */
  readonly use: CacheUse | undefined;
}
