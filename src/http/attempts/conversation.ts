import type { ScopeNode } from "../../core/index.ts";
import type { HttpCache } from "../http-cache.ts";
import type { WireHeaders } from "../undici.ts";
import type { Order } from "../wire/order.ts";
import { Attempt } from "./attempt.ts";
import type { Auth } from "./auth.ts";
import { type CacheDesk, type StoredResponse, answerCached } from "./cached.ts";
import { type Redirect, follow, isRedirect } from "./redirect.ts";
import { isRetryableStatus } from "./retryable.ts";
import { type RetryReason, type Sender, canBeSentAgain, sendRetrying, sentAgain } from "./retrying.ts";
import type { Rules } from "./rules.ts";
import type { MakeExchange, Transport } from "../wire/transport.ts";
import { type WholeResponse, countedResponses } from "../wire/whole-exchange.ts";

/** What all of them have. */
export interface Answer {
  readonly status: number;
}

/** How to deal with the answers that a caller gets: open responses, or whole ones. */
export interface AnswerKind<A> {
  readonly make: MakeExchange<A>;
  headersOf(answer: A): WireHeaders;
  /** Gives an answer up that the caller does not get, without waiting. */
  drop(answer: A): void;
  /** The same answer, which knows the way to it, and the URL it came from. */
  cameBy(answer: A, redirects: readonly Redirect[], url: string): A;
  /** An answer to `order` out of the cache. Left out where there can be none. */
  stored?(order: Order, response: StoredResponse): A;
  /** What to send after an attempt with `order` that ended in `error`, if there is something to go on from. */
  resumed?(error: unknown, order: Order): Order | undefined;
}

/** Sends `order` by its rules, or just sends it where there are none. Throws at once if the session is closed. */
export function converse<A extends Answer>(
  scope: ScopeNode,
  transport: Transport,
  order: Order,
  kind: AnswerKind<A>,
): Promise<A> {
  const { rules } = order;
  if (rules === undefined) return transport.send(scope, order, kind.make);
  if (!isSentAsItIs(rules)) return new Conversation(transport, rules, kind).answer(scope, order);
  // Most requests need their first attempt only: for them there is no conversation, and nothing async around them.
  rules.retry?.budget.call();
  const first = transport.send(scope, order, kind.make);
  const goOn = (): Promise<A> => new Conversation(transport, rules, kind).answer(scope, order, first);
  return first.then((answer) => (isLast(answer.status) ? answer : goOn()), goOn);
}

/** Sends `order`, which goes on where a request has ended with `failure`, by the rules for attempts. */
export function converseAgain<A extends Answer>(
  scope: ScopeNode,
  transport: Transport,
  order: Order,
  kind: AnswerKind<A>,
  failure: unknown,
): Promise<A> {
  return new Conversation(transport, order.rules!, kind).again(scope, order, failure);
}

/** Whether no rule does anything about such an answer. */
function isLast(status: number): boolean {
  return status < 300 || !(isRetryableStatus(status) || isRedirect(status));
}

/** Whether attempts are just sent. A rule that does something to each is named here. */
function isSentAsItIs({ auth, cache, cookies, hooks, propagation }: Rules): boolean {
  return (auth ?? cache ?? cookies ?? hooks ?? propagation) === undefined;
}

/**
 * One request as its caller sees it.
 *
 *     answer()   hops: an answer may lead elsewhere
 *     #hop()     the cache: it may have the answer
 *     #tries()   attempts: a request may be sent again
 *     attempt()  one request on the wire, with what belongs to each
 *
 * Each level gives its answer to the one above, and drops those that it does not hand on. A level that no rule needs is
 * no async function in between: that is why they are called by way of a return, and not awaited.
 */
class Conversation<A extends Answer> implements Sender<A> {
  readonly transport: Transport;
  readonly kind: AnswerKind<A>;
  readonly #rules: Rules;
  #attempts = 0;
  /** The last one, where it is more than a request on the wire. */
  #last: Attempt<A> | undefined = undefined;

  constructor(transport: Transport, rules: Rules, kind: AnswerKind<A>) {
    this.transport = transport;
    this.#rules = rules;
    this.kind = kind;
  }

  /** @param first - the first attempt, if it has been made */
  answer(scope: ScopeNode, order: Order, first?: Promise<A>): Promise<A> {
    const { redirect, cookies } = this.#rules;
    if (redirect === undefined) return this.#hop(scope, order, first);
    let already = first;
    return follow(order, redirect, this.kind, cookies !== undefined, (next) => {
      const hop = this.#hop(scope, next, already);
      already = undefined;
      return hop;
    });
  }

  again(scope: ScopeNode, order: Order, failure: unknown): Promise<A> {
    return this.#tries(scope, order, Promise.reject(failure));
  }

  #hop(scope: ScopeNode, order: Order, first: Promise<A> | undefined): Promise<A> {
    const { cache } = this.#rules;
    return cache === undefined || this.kind.stored === undefined
      ? this.#tries(scope, order, first)
      : answerCached(scope, order, this.#desk(cache, order));
  }

  #desk(cache: HttpCache, order: Order, isUnattended = false): CacheDesk<A> {
    const { transport, kind } = this;
    const { cookies } = this.#rules;
    const send = (scope: ScopeNode, its: Order): Promise<A> => this.#tries(scope, its, undefined);
    const unattended = (): CacheDesk<WholeResponse> =>
      new Conversation(transport, this.#rules, countedResponses).#desk(cache, order, true);
    return { cache, transport, kind, auth: this.#authFor(order), cookies, send, isUnattended, unattended };
  }

  #authFor({ isAway = false }: Order): Auth | undefined {
    return isAway ? undefined : this.#rules.auth;
  }

  #tries(scope: ScopeNode, order: Order, first: Promise<A> | undefined): Promise<A> {
    const { retry } = this.#rules;
    return retry === undefined ? (first ?? this.attempt(scope, order)) : sendRetrying(scope, order, retry, this, first);
  }

  attempt(scope: ScopeNode, order: Order): Promise<A> {
    if (isSentAsItIs(this.#rules)) return this.transport.send(scope, order, this.kind.make);
    return this.#attemptAs(order, this.#authFor(order));
  }

  async #attemptAs(order: Order, auth: Auth | undefined): Promise<A> {
    this.#last = new Attempt<A>(order, this.#rules, ++this.#attempts);
    const answer = await this.#last.send(this.transport, this.kind, auth, false);
    if (answer.status !== 401 || auth?.canRefresh !== true || !canBeSentAgain(order)) return answer;
    // Before it is asked for new ones: that may take a request, and a slot.
    this.kind.drop(answer);
    this.#last = new Attempt<A>(sentAgain(order), this.#rules, ++this.#attempts);
    return this.#last.send(this.transport, this.kind, auth, true);
  }

  isOfUser(error: unknown): boolean {
    const thrown = this.#last?.thrown;
    return thrown !== undefined && thrown.error === error;
  }

  async beforeRetry({ wire, origin }: Order, why: RetryReason): Promise<void> {
    const { method, path } = wire;
    const { status, error, delayMs } = why;
    const attempt = this.#attempts;
    await this.#rules.hooks?.beforeRetry?.({ method, url: origin + path, attempt, status, error, delayMs });
  }
}
