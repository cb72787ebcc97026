import { checkedScope } from "../../core/index.ts";
import { RedirectError, type RedirectProblem } from "../errors.ts";
import type { Answer, AnswerKind } from "./conversation.ts";
import { type Order, hrefOf, nameOf } from "../wire/order.ts";
import type { RedirectRules } from "./redirect-rules.ts";
import { type HeaderList, mergeHeaders } from "../request/request-headers.ts";
import { canBeSentAgain, sentAgain } from "./retrying.ts";
import { redact, targetOf } from "../request/target.ts";

/** An answer that led elsewhere, on the way to the response. */
export interface Redirect {
  /** 301, 302, 303, 307 or 308. */
  readonly status: number;
  /** The URL that answered so, without user and password. */
  readonly url: string;
}

/** Whether an answer leads elsewhere, if it says where to. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * Sends one request, and goes where its answers lead, until one does not lead any further.
 *
 * @param hop - gets the answer to one of the requests
 * @param keepsCookies - whether to ask for the same again may be to ask with another cookie
 */
export async function follow<A extends Answer>(
  order: Order,
  rules: RedirectRules,
  kind: AnswerKind<A>,
  keepsCookies: boolean,
  hop: (order: Order) => Promise<A>,
): Promise<A> {
  let trail: Trail | undefined;
  for (let next = order; ;) {
    const answer = await hop(next);
    const location = isRedirect(answer.status) ? kind.headersOf(answer)["location"] : undefined;
    if (location === undefined)
      return trail === undefined ? answer : kind.cameBy(answer, trail.redirects, hrefOf(next));
    kind.drop(answer);
    trail ??= new Trail(order, rules, keepsCookies);
    next = trail.step(next, answer.status, location);
    checkedScope();
  }
}

/** How often the same may be asked for without cookies before it is a loop: something may have changed meanwhile. */
const timesAround = 2;

/** The way that one request has been led. */
class Trail {
  readonly redirects: Redirect[] = [];
  readonly #first: Order;
  readonly #rules: RedirectRules;
  readonly #keepsCookies: boolean;
  /** How often each was asked for. */
  readonly #asked = new Map<string, number>();

  constructor(first: Order, rules: RedirectRules, keepsCookies: boolean) {
    this.#first = first;
    this.#rules = rules;
    this.#keepsCookies = keepsCookies;
    this.#count(first);
  }

  /**
   * What to send next.
   *
   * @param location - where the answer to `order` leads
   * @throws {RedirectError} it is not to be followed
   */
  step(order: Order, status: number, location: string | string[]): Order {
    this.redirects.push(Object.freeze({ status, url: hrefOf(order) }));
    const { max, allowDowngrade } = this.#rules;
    if (this.redirects.length > max) throw this.#refusal("too-many", `more than ${max} redirects (redirect.max)`);
    const next = this.#led(order, status, location);
    if (!allowDowngrade && order.origin.startsWith("https:") && next.origin.startsWith("http:")) {
      throw this.#refusal("downgrade", "a redirect from https to http (redirect.allowDowngrade)");
    }
    if (next.wire.body !== null && !canBeSentAgain(order)) {
      throw this.#refusal("body", `a redirect (${status}) that asks for the body again, which can be sent only once`);
    }
    if (!this.#count(next)) throw this.#refusal("loop", "the redirects go round in circles");
    return sentAgain(next);
  }

  #led(order: Order, status: number, location: string | string[]): Order {
    const text = typeof location === "string" ? asText(location) : undefined;
    const url = text === undefined ? null : URL.parse(text, hrefOf(order));
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
      const where = text === undefined ? "several places" : JSON.stringify(redact(text).slice(0, 200));
      throw this.#refusal("bad-location", `a redirect (${status}) to ${where}`);
    }
    const { origin, path, authorization } = targetOf(url);
    const { method, body } = order.wire;
    let { headers }: { headers: HeaderList } = order.wire;
    if (origin !== order.origin) headers = forOthers(headers);
    if (authorization !== undefined) headers = mergeHeaders(headers, { authorization });
    // Once away it stays so: a server that leads back chooses what is asked for there.
    const isAway = order.isAway === true || origin !== order.origin;
    if (!losesBody(status, method)) return { ...order, origin, isAway, wire: { method, path, headers, body } };
    return { ...order, origin, isAway, wire: { method: "GET", path, headers: withoutContent(headers), body: null } };
  }

  /** @returns false if it has been asked for too often */
  #count({ origin, wire: { method, path } }: Order): boolean {
    const name = `${method} ${origin}${path}`;
    const times = (this.#asked.get(name) ?? 0) + 1;
    this.#asked.set(name, times);
    return this.#keepsCookies || times <= timesAround;
  }

  #refusal(problem: RedirectProblem, what: string): RedirectError {
    const urls = this.redirects.map(({ url }) => redact(url));
    return new RedirectError(nameOf(this.#first), problem, what, this.redirects.at(-1)!.status, urls);
  }
}

/** Whether the next request is a GET without a body, whatever this one was: as everybody does, not as was once meant. */
function losesBody(status: number, method: string): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}

/**
 * Headers that may go to another origin: those that say what is wanted, and how. All others may hold secrets, whatever
 * they are called, and were meant for the origin that the caller named.
 */
const harmless: ReadonlySet<string> = new Set([
  "user-agent",
  "range",
  "cache-control",
  "pragma",
  "prefer",
  "last-event-id",
  "idempotency-key",
  "traceparent",
  "tracestate",
]);
const isHarmless = (name: string): boolean => harmless.has(name) || /^(?:accept|content|if)(?:-|$)/.test(name);

function forOthers(headers: HeaderList): HeaderList {
  return headers.filter((_, i) => isHarmless(headers[i - (i % 2)]!));
}

function withoutContent(headers: HeaderList): HeaderList {
  return headers.filter((_, i) => !headers[i - (i % 2)]!.startsWith("content-"));
}

/** Headers come as latin1. Where a server sends what is no ASCII, it is UTF-8 mostly. */
function asText(location: string): string {
  const isPlain = !/[\x80-\uffff]/.test(location);
  if (isPlain) return location;
  const bytes = Buffer.from(location, "latin1");
  const text = bytes.toString("utf8");
  return text.includes("\ufffd") ? location : text;
}
