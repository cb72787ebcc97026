import { type ScopeNode, currentScope, enter } from "../../core/index.ts";
import {
  type Order,
  type SessionOptions,
  type Timeouts,
  type WholeResponse,
  fetchWhole,
  openSession,
} from "../../http/index.ts";
import type { Job } from "./job.ts";

/** Puts requests on the wire: each once, without retries and redirects. */
export interface Exchange {
  /** Rejects if no whole answer came in time. Cancelling the scope that it was made in takes it off the wire. */
  send(job: Job): Promise<WholeResponse>;
  /** Closes the connections. */
  close(): Promise<void>;
}

/**
 * What of the settings of a session batches take as well: see `SessionOptions` of `taskwright/http`. But `redirect` and
 * `decompress` are off if left out.
 */
export type FetchSessionOptions = Pick<
  SessionOptions,
  "tls" | "proxy" | "dns" | "http2" | "allowPrivateHosts" | "auth" | "redirect" | "cookies" | "decompress"
>;

export interface ExchangeOptions {
  /** The most connections that may be open. */
  readonly concurrency: number;
  readonly connectTimeoutMs: number;
  /** For everything, connecting included. */
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly session: FetchSessionOptions;
}

/** Opens connections as they are needed. What is sent belongs to `scope`, whoever's turn of the loop it is sent in. */
export function openExchange(scope: ScopeNode, options: ExchangeOptions): Exchange {
  const { concurrency, connectTimeoutMs, timeoutMs, maxBodyBytes } = options;
  const { decompress = false } = options.session;
  const session = openSession({ redirect: false, ...options.session, limit: concurrency, retry: false });
  const { rules } = session.orders;
  const timeouts: Timeouts = { connectMs: connectTimeoutMs, headersMs: Infinity, idleMs: Infinity, totalMs: timeoutMs };
  const send = (job: Job): Promise<WholeResponse> => {
    const { target, method, headers, body = null } = job;
    const order: Order = {
      origin: target.origin,
      wire: { method, path: target.path, headers, body },
      timeouts,
      maxBodyBytes,
      decompress,
      rules,
    };
    return fetchWhole(session, order, true);
  };
  return {
    // Mostly one request is sent where another has ended, which is inside already.
    send: (job) => (currentScope() === scope ? send(job) : enter(scope, send, job, undefined)),
    close: () => session[Symbol.asyncDispose](),
  };
}
