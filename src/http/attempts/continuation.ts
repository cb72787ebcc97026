import { checkedScope } from "../../core/index.ts";
import { BodyTooLargeError, HttpError, type RequestName } from "../errors.ts";
import type { WireHeaders } from "../undici.ts";
import { type AnswerKind, converseAgain } from "./conversation.ts";
import type { IncomingBody } from "../answer/incoming-body.ts";
import type { Order } from "../wire/order.ts";
import { type Progress, isInterruption, isRest, progressOf, rangeOrder } from "./resume.ts";
import type { MakeExchange, Transport } from "../wire/transport.ts";

/** A response that a body comes with, or the rest of one. */
export interface Continuation extends RequestName {
  readonly order: Order;
  readonly status: number;
  readonly headers: WireHeaders;
  readonly bodyBytes: number;
  readonly body: IncomingBody;
}

/**
 * How to get the rest of a body that broke off with `error`, as a body of its own. It is asked for by the task that reads,
 * in its scope: when nobody reads, nothing is asked for.
 *
 * @param make - makes the exchange that brings it
 * @returns undefined if the error is the reader's
 */
export function restAfter(
  exchange: Continuation,
  transport: Transport,
  error: unknown,
  make: MakeExchange<Continuation>,
): (() => Promise<IncomingBody>) | undefined {
  if (!isInterruption(error)) return undefined;
  const progress = progressOf(exchange, exchange.bodyBytes);
  const { rules, resumed } = exchange.order;
  const attempts = rules?.retry?.attempts ?? 1;
  if (progress === undefined || (resumed?.times ?? 0) >= attempts - 1) return undefined;
  return () => rest(exchange, transport, progress, error as HttpError, make);
}

/** @throws `error`, if the rest is not to be had */
async function rest(
  exchange: Continuation,
  transport: Transport,
  progress: Progress,
  error: HttpError,
  make: MakeExchange<Continuation>,
): Promise<IncomingBody> {
  const { order } = exchange;
  const resumed = { times: (order.resumed?.times ?? 0) + 1, firstByte: order.resumed?.firstByte ?? progress.firstByte };
  let answer: Continuation;
  try {
    const asking = { ...rangeOrder(order, progress), resumed };
    answer = await converseAgain(checkedScope(), transport, asking, { ...continuations, make }, error);
  } catch (failure) {
    checkedScope();
    // Why the body broke off says more than why the rest of it was not to be had.
    throw failure instanceof HttpError ? error : failure;
  }
  if (!isRest(answer, progress)) {
    answer.body.drop();
    throw error;
  }
  const allBytes = progress.nextByte - resumed.firstByte + Number(answer.headers["content-length"]);
  if (allBytes <= order.maxBodyBytes) return answer.body;
  answer.body.drop();
  throw new BodyTooLargeError(exchange, "the body", order.maxBodyBytes);
}

const continuations: Omit<AnswerKind<Continuation>, "make"> = {
  headersOf: ({ headers }) => headers,
  drop: ({ body }) => body.drop(),
  cameBy: (answer) => answer,
};
