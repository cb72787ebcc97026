/**
 * @module
 * HTTP for many requests at once: sessions with limits, timeouts by phase and a pool of connections.
 *
 * @example
 * ```ts
 * import { map } from "taskwright";
 * import { openSession } from "taskwright/http";
 *
 * await using session = openSession({ limitPerHost: 10, timeout: { totalMs: 30_000 } });
 * const sizes = await map(
 *   ["https://example.com/", "https://example.org/"],
 *   async (url) => (await (await session.get(url)).bytes()).length,
 *   { concurrency: 100 },
 * );
 * ```
 */
export {
  BodyTooLargeError,
  ConnectionError,
  type ConnectionPhase,
  ContentEncodingError,
  FileChangedError,
  HttpError,
  HttpTimeoutError,
  InvalidJsonError,
  PrivateHostError,
  ProtocolError,
  ProxyError,
  RedirectError,
  type RedirectProblem,
  type RequestName,
  ResponseClosedError,
  SchemaError,
  SessionClosedError,
  type TimeoutPhase,
} from "./errors.ts";
export { type CookieEntry, CookieJar } from "./cookie-jar.ts";
export type { EventStream, EventsOptions } from "./events.ts";
export { type FileBody, type FileOptions, file } from "./file-body.ts";
export type { ByteSource } from "./internal/byte-source.ts";
export type { DnsOptions } from "./internal/dns.ts";
export type { ServerSentEvent } from "./internal/event-parser.ts";
export type { ReconnectOptions } from "./internal/reconnect.ts";
export type { WebSocketOptions, WebSocketReconnectOptions } from "./internal/websocket-options.ts";
export type { ProxyOptions } from "./internal/proxy.ts";
export type { BodyInput } from "./internal/request-body.ts";
export type { HeadersInput } from "./internal/request-headers.ts";
export type { AuthFunction, AuthOption, AuthRequest } from "./internal/auth.ts";
export type { HookRequest, ResponseHead, HookRetry, HttpHooks } from "./internal/hooks.ts";
export type { TraceSource } from "./internal/propagation.ts";
export { type CacheUse, HttpCache, type HttpCacheOptions, type HttpCacheStatistics } from "./http-cache.ts";
export type { Redirect } from "./internal/redirect.ts";
export type { RedirectOptions } from "./internal/redirect-rules.ts";
export type { HttpRetryOptions } from "./internal/retry-rules.ts";
export type { RateOptions } from "./internal/limits.ts";
export type { Query, QueryValue } from "./internal/target.ts";
export type { TimeoutOptions, Timeouts } from "./internal/timeouts.ts";
export {
  type MultipartBody,
  type MultipartFields,
  type MultipartPart,
  type MultipartValue,
  multipart,
} from "./multipart.ts";
export type { HttpRequestOptions, SessionOptions } from "./options.ts";
export { type HttpResponse, type LinesOptions, type SseOptions } from "./response.ts";
export { type Session, type SessionStatistics, openSession } from "./session.ts";
export { EventStreamError, WebSocketError, WebSocketHandshakeError } from "./stream-errors.ts";
export type { SchemaIssue, SchemaOutput, SchemaProperties, SchemaResult, StandardSchema } from "./standard-schema.ts";
export type { TlsOptions, WireHeaders } from "./undici.ts";
export { type WebSocketClient, type WebSocketStatistics } from "./websocket.ts";

// For the batch engine, not for users. The types stay in the published declarations, because its own name them.
/** @internal */
export { fetchWhole } from "./fetch-whole.ts";
/** @internal */
export { acceptEncoding } from "./internal/content-codings.ts";
/** @internal */
export {
  isIdempotent,
  isRetryableError,
  isRetryableStatus,
  isStale,
  isThrottling,
  longestWaitMs,
  isUnprocessed,
  mostRetriesFor,
  retryAfterMs,
} from "./internal/retryable.ts";
/** @internal */
export { isPlainPath, targetOf } from "./internal/target.ts";
/** @hidden */
export type { Target } from "./internal/target.ts";
/** @hidden */
export type { Order } from "./internal/order.ts";
/** @hidden */
export type { WholeResponse } from "./internal/whole-exchange.ts";
