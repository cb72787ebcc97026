import { type ScopeNode, checkedScope, currentScope, effectiveDeadline, formatMs } from "../../core/index.ts";
import { ConnectionError, HttpError } from "../errors.ts";
import type { WireHeaders } from "../undici.ts";
import type { Answer, AnswerKind } from "./conversation.ts";
import { Delay } from "./delay.ts";
import { type Order, labelOf } from "../wire/order.ts";
import { hasHeader } from "../request/request-headers.ts";
import type { RetryRules } from "./retry-rules.ts";
import {
  isIdempotent,
  isRetryableError,
  isRetryableStatus,
  isStale,
  isThrottling,
  longestWaitMs,
  isUnprocessed,
  mostRetriesFor,
  retryAfterMs,
} from "./retryable.ts";
import type { Transport } from "../wire/transport.ts";
import { Upload } from "../request/upload.ts";

/** How to go on after a failed attempt: after `delayMs`, or when the pause of the host is over. */
interface Again {
  readonly delayMs: number;
  /** How long the host is paused, which is waited out in line. */
  readonly pauseMs?: number;
  /** What led to it, for people: `503`, or the code of an error. */
  readonly why: string;
}

/** What led to another attempt. */
export interface RetryReason {
  readonly status: number | undefined;
  readonly error: unknown;
  /** The wait, of the request or of its host, in milliseconds. */
  readonly delayMs: number;
}

/** Who sends each attempt. */
export interface Sender<A> {
  readonly transport: Transport;
  readonly kind: AnswerKind<A>;
  attempt(scope: ScopeNode, order: Order): Promise<A>;
  /** Whether it was thrown by code of the user: then it is none of the request's. */
  isOfUser(error: unknown): boolean;
  /** Told before the wait. What it throws is the caller's. */
  beforeRetry(order: Order, why: RetryReason): Promise<void>;
}

/**
 * Sends one request until its answer is worth having, or there is no more to be tried.
 *
 * @param first - the first attempt, if it has been made
 */
export async function sendRetrying<A extends Answer>(
  scope: ScopeNode,
  order: Order,
  rules: RetryRules,
  sender: Sender<A>,
  first: Promise<A> | undefined,
): Promise<A> {
  if (first === undefined) rules.budget.call();
  // Most requests need none.
  let course: RetryCourse | undefined;
  for (let next = order; ;) {
    let status: number | undefined;
    let failure: unknown;
    let again: Again | undefined;
    try {
      const answer = await (course === undefined && first !== undefined ? first : sender.attempt(scope, next));
      if (!isRetryableStatus(answer.status) || scope.stop !== undefined) return answer;
      course ??= new RetryCourse(sender.transport, order, rules);
      again = course.afterAnswer(answer.status, sender.kind.headersOf(answer));
      if (again === undefined) return answer;
      status = answer.status;
      sender.kind.drop(answer);
    } catch (error) {
      course ??= new RetryCourse(sender.transport, order, rules);
      if (!sender.isOfUser(error)) again = course.afterFailure(error);
      if (again === undefined) throw error;
      // Cancelled meanwhile: without that, there would be no error.
      checkedScope();
      failure = error;
    }
    await sender.beforeRetry(order, { status, error: failure, delayMs: again.pauseMs ?? again.delayMs });
    if (again.delayMs > 0) await course.wait(again);
    checkedScope();
    next = sender.kind.resumed?.(failure, next) ?? sentAgain(order);
  }
}

/** The attempts at one request, and what follows from each. */
class RetryCourse {
  readonly #transport: Transport;
  readonly #order: Order;
  readonly #rules: RetryRules;
  /** Failed attempts that count. */
  #failures = 0;
  /** Answers that paused the host. They do not count. */
  #pauses = 0;
  #retriesOfOthers = 0;
  /** Whether an attempt was lost to a connection that the server had closed. The first does not count. */
  #wasStale = false;
  /** When the first attempt failed that counts. */
  #firstFailureMs: number | undefined = undefined;

  constructor(transport: Transport, order: Order, rules: RetryRules) {
    this.#transport = transport;
    this.#order = order;
    this.#rules = rules;
  }

  /** @returns undefined if the answer is the last */
  afterAnswer(status: number, headers: WireHeaders): Again | undefined {
    const askedMs = retryAfterMs(headers, new Date().getTime());
    if (askedMs !== undefined && askedMs > longestWaitMs) return undefined;
    if (askedMs !== undefined && isThrottling(status, askedMs)) return this.#pause(status, askedMs);
    if (!this.#mayRepeat(status)) return undefined;
    if (mostRetriesFor(status) < Infinity && this.#retriesOfOthers++ >= mostRetriesFor(status)) return undefined;
    return this.#count(String(status), askedMs ?? 0);
  }

  /** The host is to be left alone by all, whether this request is sent again or not. */
  #pause(status: number, askedMs: number): Again | undefined {
    // A server that asks for no time at all, again and again, is still not to be hammered.
    const pauseMs = Math.max(askedMs, this.#rules.backoff(++this.#pauses));
    this.#transport.pause(this.#order, pauseMs, status);
    return this.#mayRepeat(status) && isBeforeDeadline(pauseMs)
      ? { delayMs: 0, pauseMs, why: String(status) }
      : undefined;
  }

  /** By an answer of 429 the server says that it has done nothing. */
  #mayRepeat(status: number): boolean {
    return status === 429 ? canBeSentAgain(this.#order) : mayRepeat(this.#order);
  }

  /** @returns undefined if the error is the caller's */
  afterFailure(error: unknown): Again | undefined {
    if (!(error instanceof HttpError) || !isRetryableError(error)) return undefined;
    if (!(isUnprocessed(error) && canBeSentAgain(this.#order)) && !mayRepeat(this.#order)) return undefined;
    const why = (error instanceof ConnectionError ? error.causeCode : undefined) ?? error.code;
    if (isStale(error) && !this.#wasStale) {
      this.#wasStale = true;
      return { delayMs: 0, why };
    }
    return this.#count(why, 0);
  }

  #count(why: string, atLeastMs: number): Again | undefined {
    const { attempts, backoff, maxTimeMs, budget } = this.#rules;
    if (++this.#failures >= attempts) return undefined;
    const nowMs = currentScope().tree.clock.now();
    this.#firstFailureMs ??= nowMs;
    const delayMs = Math.max(backoff(this.#failures), atLeastMs);
    if (nowMs + delayMs - this.#firstFailureMs > maxTimeMs) return undefined;
    return isBeforeDeadline(delayMs) && budget.tryRetry() ? { delayMs, why } : undefined;
  }

  /** Cancel: rejects at once. It ends early where the session is closed, which the next attempt finds. */
  async wait({ delayMs, why }: Again): Promise<void> {
    const scope = checkedScope();
    const { clock } = scope.tree;
    const untilMs = clock.now() + delayMs;
    const left = (): string => formatMs(Math.max(0, untilMs - clock.now()));
    const describe = (): string => `${labelOf(this.#order)}: to be sent again in ${left()} (${why})`;
    await this.#transport.waitFor(new Delay(scope, untilMs, describe));
  }
}

function isBeforeDeadline(delayMs: number): boolean {
  return currentScope().tree.clock.now() + delayMs < effectiveDeadline();
}

function mayRepeat(order: Order): boolean {
  const { method, headers } = order.wire;
  return (isIdempotent(method) || hasHeader(headers, "idempotency-key")) && canBeSentAgain(order);
}

export function canBeSentAgain({ wire: { body } }: Order): boolean {
  return !(body instanceof Upload) || body.isRepeatable;
}

export function sentAgain(order: Order): Order {
  const { wire } = order;
  return wire.body instanceof Upload ? { ...order, wire: { ...wire, body: wire.body.again() } } : order;
}
