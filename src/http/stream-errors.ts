/** The errors of server-sent events and WebSockets. They stand in the tree of `errors.ts`. */
import { HttpError, type RequestName } from "./errors.ts";

/** The answer is no stream of server-sent events: it has another status than 200, or another content type. */
export class EventStreamError extends HttpError {
  override readonly name = "EventStreamError" as const;
  override readonly code = "HTTP_EVENT_STREAM" as const;
  /** What was answered. */
  override readonly status: number;
  /** As it came; undefined if none did. */
  readonly contentType: string | undefined;

  constructor(request: RequestName, status: number, contentType: string | undefined) {
    super(request, `the answer is no event stream (status ${status}, ${contentType ?? "no content-type"})`);
    this.status = status;
    this.contentType = contentType;
  }
}

/** The server would not speak WebSocket: it gave another answer, or agreed to what was not asked for. */
export class WebSocketHandshakeError extends HttpError {
  override readonly name = "WebSocketHandshakeError" as const;
  override readonly code = "HTTP_WEBSOCKET_HANDSHAKE" as const;
  /** What was answered; 101 where the server agreed, in a way that is wrong. */
  override readonly status: number;

  constructor(request: RequestName, status: number, why: string) {
    super(request, `the server would not speak WebSocket: ${why}`);
    this.status = status;
  }
}

/**
 * A WebSocket has ended, and not as it should: the server closed it with another code than 1000 and 1001, the connection
 * broke, nothing came any more, or what came is no WebSocket. Also what is told to those who use it when it has ended.
 */
export class WebSocketError extends HttpError {
  override readonly name = "WebSocketError" as const;
  override readonly code = "HTTP_WEBSOCKET" as const;
  /** As of RFC 6455: what the server gave, or what it was told; 1006 if the connection was lost. */
  readonly closeCode: number;
  /** What the server said besides. Often empty. */
  readonly reason: string;

  constructor(request: RequestName, closeCode: number, reason: string, what: string, options?: ErrorOptions) {
    super(request, what, options);
    this.closeCode = closeCode;
    this.reason = reason;
  }
}
