/**
 * The errors of HTTP.
 *
 *     TaskwrightError
 *     └─ HttpError
 *        ├─ ConnectionError       HTTP_CONNECTION        broken: no connection, or it was lost
 *        ├─ ProxyError            HTTP_PROXY             broken: the proxy could not be reached, or refused
 *        ├─ PrivateHostError      HTTP_PRIVATE_HOST      the address is not public, and `allowPrivateHosts` is false
 *        ├─ HttpTimeoutError      HTTP_TIMEOUT           broken: the peer was silent for too long in one phase
 *        ├─ ProtocolError         HTTP_PROTOCOL          broken: what came is not HTTP
 *        ├─ RedirectError         HTTP_REDIRECT          broken: the answer leads where it is not to be followed
 *        ├─ BodyTooLargeError     HTTP_BODY_TOO_LARGE    the body is longer than `maxBodyBytes`
 *        ├─ ContentEncodingError  HTTP_CONTENT_ENCODING  broken: the body cannot be decompressed
 *        ├─ FileChangedError      HTTP_FILE_CHANGED      yours: a file was changed while it was sent
 *        ├─ InvalidJsonError      HTTP_INVALID_JSON      broken: the body was to be JSON and is not
 *        ├─ EventStreamError      HTTP_EVENT_STREAM      broken: the answer is no stream of events
 *        ├─ WebSocketHandshakeError HTTP_WEBSOCKET_HANDSHAKE  broken: the server would not speak WebSocket
 *        ├─ WebSocketError        HTTP_WEBSOCKET         broken: a WebSocket was closed or lost
 *        ├─ SchemaError           HTTP_SCHEMA            broken: the body is not as the schema has it
 *        ├─ ResponseClosedError   HTTP_RESPONSE_CLOSED   yours: the body was given up before it was read
 *        └─ SessionClosedError    HTTP_SESSION_CLOSED    yours: the session has been disposed
 *
 * A response with status 404 or 500 is no error: look at `response.ok`. Wrong arguments are TypeError and RangeError.
 * No message and no field holds the query of a URL, its user and password, or a header: those carry secrets.
 */
import { TaskwrightError, formatMs } from "../core/index.ts";
import { codeOf, explain } from "./wire/explain.ts";
import { whereOf } from "./answer/schema-path.ts";
import type { SchemaIssue } from "./standard-schema.ts";

/** What a request is called in errors. */
export interface RequestName {
  /** `GET` or another. */
  readonly method: string;
  /** Without user, password, query and fragment. */
  readonly url: string;
  /** Of its response; 0 or left out before its headers have come. */
  readonly status?: number;
}

/** The base of all errors that a request or its body can fail with. */
export abstract class HttpError extends TaskwrightError {
  /** Of the request. */
  readonly method: string;
  /** Without user, password, query and fragment. */
  readonly url: string;
  /** Of the response, where it failed after its headers had come: its body broke off, say. */
  readonly status: number | undefined;

  constructor(request: RequestName, message: string, options?: ErrorOptions) {
    // Some of it servers may have said: nothing of that is to move the cursor of a terminal, or to look like more lines.
    super(`${request.method} ${request.url}: ${message}`.replaceAll(/\p{Cc}/gu, "\ufffd"), options);
    this.method = request.method;
    this.url = request.url;
    this.status = request.status === 0 ? undefined : request.status;
  }
}

/** How far a request had come: no connection yet, no response yet, or reading the body. */
export type ConnectionPhase = "connect" | "request" | "response";

/** There was no connection to be had, or it broke. `cause` is the error of the socket. */
export class ConnectionError extends HttpError {
  override readonly name = "ConnectionError" as const;
  override readonly code = "HTTP_CONNECTION" as const;
  /** How far the request had come. */
  readonly phase: ConnectionPhase;
  /** Whether the connection had served requests before: then the server may just have closed it for being idle. */
  readonly isReused: boolean;
  /**
   * Whether the server has surely done nothing with the request: there was no connection, or it says so itself, as it can
   * in HTTP/2. Then any request may be made again.
   */
  readonly isUnprocessed: boolean;
  /** The code of the cause, such as `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED` or `HTTP2_REFUSED_STREAM`. */
  readonly causeCode: string | undefined;

  constructor(request: RequestName, phase: ConnectionPhase, isReused: boolean, cause: Error) {
    super(request, `${brokenIn[phase]}: ${explain(cause)}`, { cause });
    this.phase = phase;
    this.isReused = isReused;
    this.isUnprocessed = phase === "connect" || (cause as { isUnprocessed?: boolean }).isUnprocessed === true;
    this.causeCode = codeOf(cause);
  }
}

const brokenIn: Record<ConnectionPhase, string> = {
  connect: "could not connect",
  request: "the connection broke before the response",
  response: "the connection broke within the body",
};

/** The proxy could not be reached, or would not pass the request on. The host has not seen it. */
export class ProxyError extends HttpError {
  override readonly name = "ProxyError" as const;
  override readonly code = "HTTP_PROXY" as const;
  /** The proxy, without user and password. */
  readonly proxy: string;
  /** What the proxy answered, such as 407 where it asks for other credentials. Undefined if it could not be asked. */
  override readonly status: number | undefined;
  /** The code of the cause, such as `ECONNREFUSED`. */
  readonly causeCode: string | undefined;

  constructor(request: RequestName, proxy: string, what: string, status: number | undefined, cause?: Error) {
    const why = cause === undefined ? "" : `: ${explain(cause)}`;
    super(request, `the proxy ${proxy} ${what}${why}`, cause === undefined ? undefined : { cause });
    this.proxy = proxy;
    this.status = status;
    this.causeCode = cause === undefined ? undefined : codeOf(cause);
  }
}

/**
 * The host is at an address that is not of the public internet, and the session was opened with
 * `allowPrivateHosts: false`. Nothing was sent.
 */
export class PrivateHostError extends HttpError {
  override readonly name = "PrivateHostError" as const;
  override readonly code = "HTTP_PRIVATE_HOST" as const;
  /** As in the URL, in lower case and without the port. */
  readonly host: string;
  /** Its address, or the first of several, none of which is public. */
  readonly address: string;

  constructor(request: RequestName, host: string, address: string) {
    const where = host === address ? address : `${host} is at ${address}, which`;
    super(request, `${where} is no address of the public internet, and \`allowPrivateHosts\` is false`);
    this.host = host;
    this.address = address;
  }
}

/** The phases of a request that have a timeout of their own. */
export type TimeoutPhase = "connect" | "headers" | "idle" | "total";

/** The request took too long. The connection has been closed. */
export class HttpTimeoutError extends HttpError {
  override readonly name = "HttpTimeoutError" as const;
  override readonly code = "HTTP_TIMEOUT" as const;
  /** Which timeout it was. */
  readonly phase: TimeoutPhase;
  /** The time allowed, in milliseconds. */
  readonly timeoutMs: number;

  /** @param proxy - through which it was to connect */
  constructor(request: RequestName, phase: TimeoutPhase, timeoutMs: number, proxy?: string) {
    const by = proxy === undefined ? "" : ` through the proxy ${proxy}`;
    super(request, `${lateIn[phase]}${by} within ${formatMs(timeoutMs)} (timeout.${phase}Ms)`);
    this.phase = phase;
    this.timeoutMs = timeoutMs;
  }
}

const lateIn: Record<TimeoutPhase, string> = {
  connect: "no connection",
  headers: "no response",
  idle: "not a byte of the body went through",
  total: "not finished",
};

/** What the server sent is not HTTP. The connection has been closed. */
export class ProtocolError extends HttpError {
  override readonly name = "ProtocolError" as const;
  override readonly code = "HTTP_PROTOCOL" as const;

  constructor(request: RequestName, cause: Error) {
    super(request, `the response is broken: ${explain(cause)}`, { cause });
  }
}

/**
 * Why a redirect was not followed: more came than `redirect.max`; they went round in circles; the `Location` is no http or
 * https URL; it led from https to http; or a body is asked for again that can be sent only once.
 */
export type RedirectProblem = "too-many" | "loop" | "bad-location" | "downgrade" | "body";

/** The answer leads where it is not to be followed. */
export class RedirectError extends HttpError {
  override readonly name = "RedirectError" as const;
  override readonly code = "HTTP_REDIRECT" as const;
  /** Why it was not followed. */
  readonly problem: RedirectProblem;
  /** That of the last redirect, the one that was not followed. */
  override readonly status: number;
  /** The URLs that redirected, in their order, without user, password and query. */
  readonly urls: readonly string[];

  constructor(request: RequestName, problem: RedirectProblem, what: string, status: number, urls: readonly string[]) {
    super(request, `${what}, by way of ${chainOf(urls)}`);
    this.problem = problem;
    this.status = status;
    this.urls = urls;
  }
}

/** The beginning and the end of a way, which tell where it went wrong. */
function chainOf(urls: readonly string[]): string {
  const shown = 6;
  if (urls.length <= shown) return urls.join(" -> ");
  const more = `${urls.length - shown} more`;
  return [...urls.slice(0, shown / 2), more, ...urls.slice(-shown / 2)].join(" -> ");
}

/** The body is longer than allowed. It was not read further, and the connection has been closed. */
export class BodyTooLargeError extends HttpError {
  override readonly name = "BodyTooLargeError" as const;
  override readonly code = "HTTP_BODY_TOO_LARGE" as const;
  /** The length allowed. */
  readonly maxBytes: number;

  constructor(request: RequestName, what: string, maxBytes: number) {
    super(request, `${what} is longer than ${maxBytes} bytes`);
    this.maxBytes = maxBytes;
  }
}

/**
 * The body cannot be decompressed: it is not what its Content-Encoding says, is broken or cut off, goes on after its end,
 * or was compressed too many times. What was read of it before is right, as far as that can be told.
 */
export class ContentEncodingError extends HttpError {
  override readonly name = "ContentEncodingError" as const;
  override readonly code = "HTTP_CONTENT_ENCODING" as const;
  /** How the body is said to be compressed: `gzip`, or several in the order in which they were applied. */
  readonly encoding: string;

  constructor(request: RequestName, encoding: string, cause: Error) {
    super(request, `the body cannot be decompressed (${encoding}): ${explain(cause)}`, { cause });
    this.encoding = encoding;
  }
}

/** A file was changed, made longer or shorter while it was sent. What was sent of it is not complete for the server. */
export class FileChangedError extends HttpError {
  override readonly name = "FileChangedError" as const;
  override readonly code = "HTTP_FILE_CHANGED" as const;
  /** Where the file is. */
  readonly path: string;

  constructor(request: RequestName, path: string) {
    super(request, `${path} has changed while it was sent`);
    this.path = path;
  }
}

/** The body was to be JSON and is not. */
export class InvalidJsonError extends HttpError {
  override readonly name = "InvalidJsonError" as const;
  override readonly code = "HTTP_INVALID_JSON" as const;
  /** The status of the response: an error page is often the reason. */
  override readonly status: number;

  constructor(request: RequestName, status: number, contentType: string | undefined, cause: unknown) {
    super(request, `the body is not JSON (status ${status}, ${contentType ?? "no content-type"})`, { cause });
    this.status = status;
  }
}

/** The value of the body is not as the schema has it. The message tells where, and nothing of the value. */
export class SchemaError extends HttpError {
  override readonly name = "SchemaError" as const;
  override readonly code = "HTTP_SCHEMA" as const;
  /** The status of the response: an answer that is an error is often the reason. */
  override readonly status: number;
  readonly #issues: readonly SchemaIssue[];

  constructor(request: RequestName, status: number, issues: readonly SchemaIssue[]) {
    super(request, `the body does not fit the schema (status ${status}): ${whereOf(issues)}`);
    this.status = status;
    this.#issues = issues;
  }

  /** What is wrong, as the schema tells it. May show parts of the value: logs do not show it by themselves. */
  get issues(): readonly SchemaIssue[] {
    return this.#issues;
  }
}

/** The body was given up before it was read. */
export class ResponseClosedError extends HttpError {
  override readonly name = "ResponseClosedError" as const;
  override readonly code = "HTTP_RESPONSE_CLOSED" as const;

  constructor(request: RequestName, why: string, options?: ErrorOptions) {
    super(request, `the body can no longer be read: ${why}`, options);
  }
}

/** The session has been disposed, before the request or while it was under way. */
export class SessionClosedError extends HttpError {
  override readonly name = "SessionClosedError" as const;
  override readonly code = "HTTP_SESSION_CLOSED" as const;

  constructor(request: RequestName) {
    super(request, "the session has been closed");
  }
}
