import { formatMs } from "../../core/index.ts";
import { HttpError, type RequestName } from "../errors.ts";
import { WebSocketError, WebSocketHandshakeError } from "../stream-errors.ts";
import { explain } from "../wire/explain.ts";
import { isRetryableError, isRetryableStatus } from "../attempts/retryable.ts";
import type { WebSocketRules } from "./websocket-options.ts";
import type { WireEnd } from "./websocket-wire.ts";

/** What codes mean, as far as they are standard. */
const meanings: Readonly<Record<number, string>> = {
  1000: "all done",
  1001: "going away",
  1002: "protocol error",
  1003: "unsupported data",
  1005: "no code",
  1007: "invalid data",
  1008: "policy violation",
  1009: "message too big",
  1010: "missing extension",
  1011: "internal error",
  1012: "service restart",
  1013: "try again later",
  1014: "bad gateway",
};

/** Codes with which a server ends what is complete. */
const good: ReadonlySet<number> = new Set([1000, 1001, 1005]);
/** Codes after which another connection may go better. */
const passing: ReadonlySet<number> = new Set([1001, 1005, 1006, 1011, 1012, 1013, 1014]);

/** Whether it is an end like any other: there is no more. */
export function isGoodEnd(error: unknown): boolean {
  return error instanceof WebSocketError && good.has(error.closeCode);
}

/** Whether to connect again after it. */
export function mayReconnect(error: unknown, { reconnect }: WebSocketRules): boolean {
  if (reconnect === undefined || !(error instanceof HttpError)) return false;
  if (reconnect.when !== undefined) return reconnect.when(error);
  if (error instanceof WebSocketError) return passing.has(error.closeCode);
  return error instanceof WebSocketHandshakeError ? isRetryableStatus(error.status) : isRetryableError(error);
}

/** The same for people. */
export function errorOf(request: RequestName, end: WireEnd, rules: WebSocketRules): WebSocketError {
  const { closeCode, reason, cause } = end;
  return new WebSocketError(request, closeCode, reason, whyOf(end, rules), cause === undefined ? undefined : { cause });
}

function whyOf({ closeCode, reason, by, cause }: WireEnd, { heartbeatMs, maxMessageBytes }: WebSocketRules): string {
  switch (by) {
    case "server": {
      const meaning = meanings[closeCode];
      const said = reason === "" ? "" : `: ${reason}`;
      return `the server closed it with ${closeCode}${meaning === undefined ? "" : ` (${meaning})`}${said}`;
    }
    case "network":
      return cause === undefined ? "the server ended the connection" : `the connection broke: ${explain(cause)}`;
    case "silence":
      return `nothing came for ${formatMs(2 * heartbeatMs)}, no answer to a ping either (heartbeatMs)`;
    case "fault":
      if (closeCode === 1009) return `a message is longer than ${maxMessageBytes} bytes (maxMessageBytes)`;
      return `what came is not what WebSockets send: ${cause!.message}`;
    default:
      return by satisfies never;
  }
}
