import { arrive, refuse } from "../core/index.ts";
import { type AnswerKind, converse } from "./internal/conversation.ts";
import type { Order } from "./internal/exchange.ts";
import { type WholeResponse, WholeExchange } from "./internal/whole-exchange.ts";
import type { Session } from "./session.ts";

const keeping = wholeResponses(true);
const dropping = wholeResponses(false);

function wholeResponses(keepsBody: boolean): AnswerKind<WholeResponse> {
  return {
    make: (scope, transport, order) => new WholeExchange(scope, transport, order, keepsBody),
    headersOf: (response) => response.headers,
    drop: () => {}, // All of it has come.
    cameBy: (response, redirects, url) => ({ ...response, redirects, url }),
  };
}

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
    return converse(scope, session.transport, order, keepsBody ? keeping : dropping);
  } catch (error) {
    return Promise.reject(error);
  }
}
