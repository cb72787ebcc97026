import { expectInteger } from "../../core/index.ts";

/**
 * What becomes of a connection before there is a request on it, or a TLS handshake: nothing special; an end at once, or
 * when the first bytes have come (with TLS that is in the middle of the handshake); silence for ever; bytes that are
 * neither TLS nor HTTP.
 */
export type ConnectionFault =
  | "serve"
  | "reset"
  | "close"
  | "reset-on-first-bytes"
  | "close-on-first-bytes"
  | "hang"
  | "garbage";

/**
 * The same for all connections; or a list: the first connection gets the first, and the last stays; or whatever a
 * function says of the number of a connection, which counts from 1.
 */
export type ConnectionScript = ConnectionFault | readonly ConnectionFault[] | ((connection: number) => ConnectionFault);

export function readConnectionScript(script: ConnectionScript): (connection: number) => ConnectionFault {
  if (typeof script === "function") return script;
  const list = typeof script === "string" ? [script] : script;
  expectInteger("connections.length", list.length, 1);
  return (connection) => list[Math.min(connection, list.length) - 1]!;
}
