import { expectInteger } from "../../core/index.ts";
import type { HttpError } from "../errors.ts";
import type { HttpRequestOptions } from "../options.ts";
import type { WebSocketClient } from "../websocket.ts";
import { checkMs, wrong } from "../request/check.ts";
import { type ReconnectOptions, type ReconnectRules, readReconnect } from "./reconnect.ts";

/** When a WebSocket that was lost is opened again. */
export interface WebSocketReconnectOptions extends ReconnectOptions {
  /**
   * Whether to open it again after this error.
   * @default closed with 1001, 1005, 1006 (lost) or 1011 to 1014, and what may pass of requests
   */
  readonly when?: (error: HttpError) => boolean;
}

/** Settings of {@link Session.websocket}. */
export interface WebSocketOptions extends Pick<HttpRequestOptions, "headers" | "query" | "auth" | "cookies" | "retry"> {
  /** Subprotocols to offer, best first. The server has to choose one of them. @default none */
  readonly protocols?: readonly string[];
  /** The longest message to accept, in bytes, decompressed; 1 or more. @default 16_777_216 */
  readonly maxMessageBytes?: number;
  /**
   * How much may have come and not been read, in bytes; then the server is made to wait. A message counts 64 bytes more
   * than it has, and one more chunk may come. @default 1_048_576
   */
  readonly maxUnreadBytes?: number;
  /** How much may have been sent and not have left; then {@link WebSocketClient.send} waits. @default 1_048_576 */
  readonly maxUnsentBytes?: number;
  /**
   * After so many milliseconds without anything from the server it is sent a ping, and after as many more without an
   * answer the connection is taken for lost. Not counted while the server is made to wait. @default 30_000
   */
  readonly heartbeatMs?: number;
  /** How long the server has for its part of the closing handshake, in milliseconds. @default 5_000 */
  readonly closeTimeoutMs?: number;
  /** Whether to offer compression (permessage-deflate). @default true */
  readonly compress?: boolean;
  /**
   * Whether to connect again when the connection is lost. What cannot even be opened once is an error: how often that is
   * tried says `retry`. @default false
   */
  readonly reconnect?: WebSocketReconnectOptions | boolean;
  /**
   * Called with each new connection, before its messages are read: to subscribe anew, say. It may send and receive. What
   * it throws closes the socket, and is thrown to those who use it.
   *
   * @param connection - counted from 1
   */
  readonly onOpen?: (socket: WebSocketClient, connection: number) => void | PromiseLike<void>;
  /** In place of the session's, for each handshake. */
  readonly timeout?: HttpRequestOptions["timeout"];
}

/** The same, complete and checked, but for what requests check. */
export interface WebSocketRules {
  readonly protocols: readonly string[];
  readonly maxMessageBytes: number;
  readonly maxUnreadBytes: number;
  readonly maxUnsentBytes: number;
  readonly heartbeatMs: number;
  readonly closeTimeoutMs: number;
  readonly compress: boolean;
  readonly reconnect: (ReconnectRules & Pick<WebSocketReconnectOptions, "when">) | undefined;
  readonly onOpen: WebSocketOptions["onOpen"];
}

const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const mebibyte = 1_048_576;

/** @throws {TypeError | RangeError} an option is wrong */
export function readWebSocketOptions(options: WebSocketOptions): WebSocketRules {
  if (typeof options !== "object" || options === null) throw new TypeError(wrong("options", "an object", options));
  const { protocols = [], compress = true, reconnect = false, onOpen } = options;
  const { maxMessageBytes = 16 * mebibyte, maxUnreadBytes = mebibyte, maxUnsentBytes = mebibyte } = options;
  const { heartbeatMs = 30_000, closeTimeoutMs = 5_000 } = options;
  expectInteger("maxMessageBytes", maxMessageBytes, 1);
  expectInteger("maxUnreadBytes", maxUnreadBytes, 1);
  expectInteger("maxUnsentBytes", maxUnsentBytes, 1);
  checkMs("heartbeatMs", heartbeatMs);
  checkMs("closeTimeoutMs", closeTimeoutMs);
  checkProtocols(protocols);
  if (typeof compress !== "boolean") throw new TypeError(wrong("compress", "a boolean", compress));
  if (onOpen !== undefined && typeof onOpen !== "function") throw new TypeError(wrong("onOpen", "a function", onOpen));
  const rules = readReconnect(reconnect);
  const when = typeof reconnect === "object" ? reconnect.when : undefined;
  if (when !== undefined && typeof when !== "function") {
    throw new TypeError(wrong("reconnect.when", "a function", when));
  }
  return {
    protocols,
    maxMessageBytes,
    maxUnreadBytes,
    maxUnsentBytes,
    heartbeatMs,
    closeTimeoutMs,
    compress,
    reconnect: rules && { ...rules, ...(when !== undefined && { when }) },
    onOpen,
  };
}

function checkProtocols(protocols: unknown): void {
  const isList = Array.isArray(protocols) && new Set(protocols).size === protocols.length;
  if (isList && protocols.every((one) => typeof one === "string" && token.test(one))) return;
  throw new TypeError(wrong("protocols", "a list of different subprotocols, which are HTTP tokens", protocols));
}

/** @throws {TypeError | RangeError} a closing frame cannot have them */
export function checkClose(code: unknown, reason: unknown): void {
  const expected = "a code that may be sent: 1000 to 1003, 1007 to 1014 or 3000 to 4999";
  if (typeof code !== "number") throw new TypeError(wrong("code", expected, code));
  const isStandard = (code >= 1_000 && code <= 1_003) || (code >= 1_007 && code <= 1_014);
  if (!Number.isInteger(code) || !(isStandard || (code >= 3_000 && code <= 4_999))) {
    throw new RangeError(wrong("code", expected, code));
  }
  if (typeof reason !== "string") throw new TypeError(wrong("reason", "a string", reason));
  if (Buffer.byteLength(reason) > 123) throw new RangeError(wrong("reason", "of 123 bytes or less", reason));
}
