import { type ScopeNode, checkedScope, currentScope, effectiveDeadline, formatMs } from "../../core/index.ts";
import { ConnectionError, HttpError } from "../errors.ts";
import type { AnswerKind } from "./conversation.ts";
import { Delay } from "./delay.ts";
import { type Order, labelOf } from "./exchange.ts";
import { hasHeader } from "./request-headers.ts";
import type { RetryRules } from "./retry-rules.ts";
import { isIdempotent, isRetryableError, isRetryableStatus, isStale, retryAfterMs } from "./retryable.ts";
import type { Transport } from "./transport.ts";
import { Upload } from "./upload.ts";

/** Of 5xx those that are known to pass. */
const passing: ReadonlySet<number> = new Set([500, 502, 503, 504]);
/** How often other 5xx are sent again, at most. */
const retriesOfOthers = 2;

/** How to go on after a failed attempt: after `delayMs`, or when the pause of the host is over. */
interface Again {
  readonly delayMs: number;
  /** What led to it, for people: `503`, or the code of an error. */
  readonly why: string;
}

/** Sends one request until its answer is worth having, or there is no more to be tried. */
export class Retrying<A extends { readonly status: number }> {
  readonly #transport: Transport;
  readonly #rules: RetryRules;
  readonly #kind: AnswerKind<A>;
  readonly #send: (scope: ScopeNode, order: Order) => Promise<A>;
  /** Failed attempts that count. */
  #failures = 0;
  /** Answers that paused the host. They do not count. */
  #pauses = 0;
  #retriesOfOthers = 0;
  /** Whether an attempt was lost to a connection that the server had closed. The first does not count. */
  #wasStale = false;
  /** When the first attempt failed that counts. */
  #firstFailureMs: number | undefined = undefined;

  constructor(
    transport: Transport,
    rules: RetryRules,
    kind: AnswerKind<A>,
    send: (scope: ScopeNode, order: Order) => Promise<A>,
  ) {
    this.#transport = transport;
    this.#rules = rules;
    this.#kind = kind;
    this.#send = send;
  }

  async run(scope: ScopeNode, order: Order): Promise<A> {
    this.#rules.budget.call();
    for (let next = order; ; next = sentAgain(order)) {
      let again: Again | undefined;
      try {
        const answer = await this.#send(scope, next);
        if (!isRetryableStatus(answer.status) || scope.stop !== undefined) return answer;
        again = this.#afterAnswer(order, answer);
        if (again === undefined) return answer;
        this.#kind.drop(answer);
      } catch (error) {
        // In a cancelled scope it is an error of cleaning up, or the cancellation itself.
        if (scope.stop === undefined) again = this.#afterFailure(order, error);
        if (again === undefined) throw error;
      }
      if (again.delayMs > 0) await this.#wait(order, again);
      checkedScope();
    }
  }

  #afterAnswer(order: Order, answer: A): Again | undefined {
    const { status } = answer;
    const askedMs = retryAfterMs(this.#kind.headersOf(answer), new Date().getTime());
    if (askedMs !== undefined && (status === 429 || status === 503)) return this.#pause(order, status, askedMs);
    if (!mayRepeat(order)) return undefined;
    if (status >= 500 && !passing.has(status) && this.#retriesOfOthers++ >= retriesOfOthers) return undefined;
    return this.#count(String(status), askedMs ?? 0);
  }

  /** The host is to be left alone by all, whether this request is sent again or not. */
  #pause(order: Order, status: number, askedMs: number): Again | undefined {
    // A server that asks for no time at all, again and again, is still not to be hammered.
    const pauseMs = Math.max(askedMs, this.#rules.backoff(++this.#pauses));
    this.#transport.pause(order, pauseMs, status);
    return mayRepeat(order) && isBeforeDeadline(pauseMs) ? { delayMs: 0, why: String(status) } : undefined;
  }

  #afterFailure(order: Order, error: unknown): Again | undefined {
    if (!(error instanceof HttpError) || !isRetryableError(error)) return undefined;
    // What found no connection has reached nobody.
    const isUnsent = error instanceof ConnectionError && error.phase === "connect" && canBeSentAgain(order);
    if (!isUnsent && !mayRepeat(order)) return undefined;
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

  #wait(order: Order, { delayMs, why }: Again): Promise<void> {
    const scope = checkedScope();
    const { clock } = scope.tree;
    const untilMs = clock.now() + delayMs;
    const left = (): string => formatMs(Math.max(0, untilMs - clock.now()));
    return new Delay(scope, untilMs, () => `${labelOf(order)}: to be sent again in ${left()} (${why})`).promise;
  }
}

function isBeforeDeadline(delayMs: number): boolean {
  return currentScope().tree.clock.now() + delayMs < effectiveDeadline();
}

function mayRepeat(order: Order): boolean {
  const { method, headers } = order.wire;
  return (isIdempotent(method) || hasHeader(headers, "idempotency-key")) && canBeSentAgain(order);
}

function canBeSentAgain({ wire: { body } }: Order): boolean {
  return !(body instanceof Upload) || body.isRepeatable;
}

function sentAgain(order: Order): Order {
  const { wire } = order;
  return wire.body instanceof Upload ? { ...order, wire: { ...wire, body: wire.body.again() } } : order;
}
