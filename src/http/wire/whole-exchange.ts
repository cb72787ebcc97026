import type { ScopeNode } from "../../core/index.ts";
import type { CacheUse } from "../http-cache.ts";
import type { WireHeaders } from "../undici.ts";
import { BodyTooLargeError } from "../errors.ts";
import { Exchange } from "./exchange.ts";
import { type Order } from "./order.ts";
import type { AnswerKind } from "../attempts/conversation.ts";
import type { Redirect } from "../attempts/redirect.ts";
import { type PartialResponse, isInterruption, isRest, progressOf, rangeOrder } from "../attempts/resume.ts";
import type { Transport } from "./transport.ts";

/** A response of which all has come. */
export interface WholeResponse {
  readonly status: number;
  /** Names in lower case; an array where a header came several times. */
  readonly headers: WireHeaders;
  /** In the pieces in which it came; none if it was not to be kept. */
  readonly chunks: readonly Buffer[];
  /** The length of the body, decompressed where that was asked for. */
  readonly bodyBytes: number;
  /** From leaving the queue to the headers, connecting included, in milliseconds. */
  readonly firstByteMs: number;
  /** From leaving the queue to the last byte, in milliseconds. */
  readonly totalMs: number;
  /** The answers that led to it; undefined if there were none. Then the times are those of the last request. */
  readonly redirects?: readonly Redirect[];
  /** Where it was found in the end, if it was redirected. */
  readonly url?: string;
  /** If it came out of the cache: then it took no time. */
  readonly fromCache?: CacheUse;
}

/** A request whose caller waits for all of the response. */
class WholeExchange extends Exchange<WholeResponse> {
  readonly #keepsBody: boolean;
  #chunks: Buffer[] = [];
  #decodedBytes = 0;
  #firstByteMs = 0;

  constructor(scope: ScopeNode, transport: Transport, order: Order, keepsBody: boolean) {
    super(scope, transport, order);
    this.#keepsBody = keepsBody;
  }

  protected override headersCame(): void {
    const nowMs = this.clock.now();
    this.#firstByteMs = nowMs - this.startedMs;
    this.startPhase("idle", nowMs);
    if (this.order.partial !== undefined) this.#continue(this.order.partial);
  }

  /** It was to bring the rest: of `partial` and of this one response is made. Or it is all of it, or an error. */
  #continue(partial: PartialResponse): void {
    if (isRest(this, partial.progress)) {
      const { firstByte, nextByte } = partial.progress;
      const { maxBodyBytes } = this.order;
      this.#chunks = [...partial.chunks];
      this.#decodedBytes = nextByte - firstByte;
      const allBytes = this.#decodedBytes + Number(this.headers["content-length"]);
      this.status = partial.status;
      this.headers = partial.headers;
      if (allBytes > maxBodyBytes) this.fail(new BodyTooLargeError(this, "the body", maxBodyBytes));
    } else if (this.status === 206 || this.status === 416) {
      this.fail(partial.error);
    }
  }

  /** Nobody sees its pieces. */
  protected override get isBodyAtOnce(): boolean {
    return true;
  }

  override decoded(chunk: Buffer): void {
    this.#decodedBytes += chunk.length;
    this.recording?.push(chunk);
    if (this.#keepsBody) this.#chunks.push(chunk);
  }

  override decodedAll(): void {
    this.recording?.complete();
    this.resolve({
      status: this.status,
      headers: this.headers,
      chunks: this.#chunks,
      bodyBytes: this.#decodedBytes,
      firstByteMs: this.#firstByteMs,
      totalMs: this.clock.now() - this.startedMs,
    });
  }

  protected override failed(error: unknown): void {
    if (isInterruption(error) && error !== this.order.partial?.error) this.#remember(error as Error);
    this.reject(error);
  }

  #remember(error: Error): void {
    const progress = progressOf(this, this.#decodedBytes);
    if (progress === undefined) return;
    const { status, headers } = this;
    partials.set(error, { status, headers, chunks: this.#chunks, progress, error });
  }
}

/** What there is of responses, by what they broke off with. */
const partials = new WeakMap<Error, PartialResponse>();

/** What to send after `error`, to get no more than is missing. */
function resumedOrder(error: unknown, order: Order): Order | undefined {
  // The server has changed it, or would not give a part: from the beginning, then.
  if (order.partial !== undefined && order.partial.error === error) return undefined;
  const partial = error instanceof Error ? partials.get(error) : undefined;
  if (partial !== undefined) return { ...rangeOrder(order, partial.progress), partial };
  return order.partial === undefined ? undefined : order;
}

/** @param keepsBody - whether the pieces of the body are wanted; if not, their bytes are still counted */
function wholeResponses(keepsBody: boolean): AnswerKind<WholeResponse> {
  return {
    make: (scope, transport, order) => new WholeExchange(scope, transport, order, keepsBody),
    headersOf: (response) => response.headers,
    drop: () => {}, // All of it has come.
    cameBy: (response, redirects, url) => ({ ...response, redirects, url }),
    resumed: resumedOrder,
    stored: (_order, { status, headers, body, use }) => {
      const chunks = keepsBody && body.length > 0 ? [body] : [];
      const response = { status, headers, chunks, bodyBytes: body.length, firstByteMs: 0, totalMs: 0 };
      return use === undefined ? response : { ...response, fromCache: use };
    },
  };
}

export const keptResponses: AnswerKind<WholeResponse> = wholeResponses(true);
export const countedResponses: AnswerKind<WholeResponse> = wholeResponses(false);
