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
export type { ByteSource } from "./request/byte-source.ts";
export type { DnsOptions } from "./names/dns.ts";
export type { ServerSentEvent } from "./streams/event-parser.ts";
export type { ReconnectOptions } from "./streams/reconnect.ts";
export type { WebSocketOptions, WebSocketReconnectOptions } from "./streams/websocket-options.ts";
export type { ProxyOptions } from "./wire/proxy.ts";
export type { BodyInput } from "./request/request-body.ts";
export type { HeadersInput } from "./request/request-headers.ts";
export type { AuthFunction, AuthOption, AuthRequest } from "./attempts/auth.ts";
export type { HookRequest, ResponseHead, HookRetry, HttpHooks } from "./attempts/hooks.ts";
export type { TraceSource } from "./attempts/propagation.ts";
export { type CacheUse, HttpCache, type HttpCacheOptions, type HttpCacheStatistics } from "./http-cache.ts";
export type { Redirect } from "./attempts/redirect.ts";
export type { RedirectOptions } from "./attempts/redirect-rules.ts";
export type { HttpRetryOptions } from "./attempts/retry-rules.ts";
export type { RateOptions } from "./attempts/limits.ts";
export type { Query, QueryValue } from "./request/target.ts";
export type { TimeoutOptions, Timeouts } from "./wire/timeouts.ts";
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
export { acceptEncoding } from "./answer/content-codings.ts";
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
} from "./attempts/retryable.ts";
/** @internal */
export { isPlainPath, targetOf } from "./request/target.ts";
/** @hidden */
export type { Target } from "./request/target.ts";
/** @hidden */
export type { Order } from "./wire/order.ts";
/** @hidden */
export type { WholeResponse } from "./wire/whole-exchange.ts";
