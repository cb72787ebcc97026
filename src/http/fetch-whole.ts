import { arrive, refuse } from "../core/index.ts";
import { converse } from "./attempts/conversation.ts";
import type { Order } from "./wire/order.ts";
import { type WholeResponse, countedResponses, keptResponses } from "./wire/whole-exchange.ts";
import type { Session } from "./session.ts";

/**
 * For the batch engine: one request, and all of its response in one wait.
 *
 * Nothing is made that was not asked for: no Response, no web Headers, no joined body. Such a request obeys the limits,
 * the timeouts and the cancellation of any other.
 *
 * Cancel: leaves the line, or closes the connection.
 *
 * @param order - from `session.orders.make()`, or put together by hand: then nothing in it is checked
 * @param keepsBody - whether the pieces of the body are wanted; if not, their bytes are still counted
 * @throws {HttpError} it failed: see the codes
 * @internal
 */
export function fetchWhole(session: Session, order: Order, keepsBody: boolean): Promise<WholeResponse> {
  const scope = arrive();
  if (scope.stop !== undefined) return refuse(scope);
  try {
    return converse(scope, session.transport, order, keepsBody ? keptResponses : countedResponses);
  } catch (error) {
    return Promise.reject(error);
  }
}
