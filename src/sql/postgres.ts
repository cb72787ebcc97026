/**
 * The one file that knows pg: its client, which speaks the protocol over one socket.
 *
 * What is sent and what is done with the answers is ours: an {@link Exchange} is handed to the client in place of one of
 * its own queries, and hears of each message. So each kind of query, cursors and COPY included, is cancelled and brought to
 * its end the same way, and nothing is read that nobody asked for. Loaded with the first connection.
 */
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { ServerMessage } from "./errors.ts";
import { WireReader } from "./internal/wire-reader.ts";

/** Settings of TLS, as of `tls.connect` of Node. */
export type PostgresTls = ConnectionOptions;

/** Where a client connects to, and as whom. */
export interface ClientSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: () => string;
  readonly database: string;
  readonly ssl: PostgresTls | false;
  readonly sslnegotiation: "postgres" | "direct";
  readonly application_name?: string;
  readonly options?: string;
  readonly keepAlive: boolean;
  readonly keepAliveInitialDelayMillis?: number;
  readonly enableChannelBinding: boolean;
}

/** A column of what comes. */
export interface WireField {
  readonly name: string;
  readonly dataTypeID: number;
}

/** A value of a parameter: text, bytes, or null. */
export type WireValue = string | Buffer | null;

/** The messages that can be sent. They are not waited for. */
export interface WireOut {
  readonly stream: Socket;
  query(text: string): void;
  parse(statement: { readonly name: string; readonly text: string; readonly types: readonly number[] }): void;
  describe(what: { readonly type: "S" | "P"; readonly name: string }): void;
  close(what: { readonly type: "S" | "P"; readonly name: string }): void;
  flush(): void;
  sync(): void;
  sendCopyFail(why: string): void;
}

/**
 * What the client calls while something is under way. All are called from the context of the socket. Of rows and copied data it
 * knows nothing: those a WireReader takes out before.
 */
export interface WireExchange {
  submit(out: WireOut): void;
  handleRowDescription(message: { readonly fields: readonly WireField[] }): void;
  handleCommandComplete(message: { readonly text: string }): void;
  handlePortalSuspended(): void;
  handleEmptyQuery(): void;
  handleCopyInResponse(): void;
  handleError(error: Error): void;
  handleReadyForQuery(): void;
}

interface WireEvents {
  /** Called by itself, once its socket has the TLS it is to have. */
  attachListeners(stream: Incoming): void;
  on(event: "readyForQuery", listener: (message: { readonly status: "I" | "T" | "E" }) => void): void;
  on(event: "parameterStatus", listener: (message: ParameterStatus) => void): void;
  on(event: "parameterDescription", listener: (message: { readonly dataTypeIDs: readonly number[] }) => void): void;
  on(event: "authenticationSASL", listener: (message: { readonly mechanisms: readonly string[] }) => void): void;
  on(
    event: "authenticationSASLFinal" | "authenticationCleartextPassword" | "authenticationMD5Password",
    listener: () => void,
  ): void;
  on(event: "parseComplete" | "noData", listener: () => void): void;
}

/** What a connection hears of its socket. */
interface Incoming {
  on(event: "data" | "end", listener: (bytes: Buffer) => void): unknown;
}

interface ParameterStatus {
  readonly parameterName: string;
  readonly parameterValue: string;
}

/** A client of one connection. */
export interface WireClient {
  readonly connection: WireOut & WireEvents;
  readonly processID: number | null;
  readonly secretKey: number | null;
  /** Asked for when the server wants it. */
  password: (() => string) | string | null;
  connect(callback: (error: Error | null) => void): void;
  query(exchange: WireExchange): void;
  /** Says goodbye, and closes. */
  end(callback: () => void): void;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: "end", listener: () => void): this;
  on(event: "notification", listener: (message: Notification) => void): this;
}

/** What somebody has notified. */
export interface Notification {
  readonly channel: string;
  readonly payload: string;
}

interface Pg {
  readonly Client: new (settings: ClientSettings) => WireClient;
}

const require = createRequire(import.meta.url);
let pg: Pg | undefined;

/** A client, and what reads its socket. */
export interface Wire {
  readonly client: WireClient;
  readonly reader: WireReader;
}

/** A client that has not connected yet. */
export function makeClient(settings: ClientSettings): Wire {
  pg ??= require("pg") as Pg;
  const client = new pg.Client(settings);
  const { connection } = client;
  let toPg: ((messages: Buffer) => void) | undefined;
  const reader = new WireReader((messages) => toPg?.(messages));
  const attach = connection.attachListeners.bind(connection);
  connection.attachListeners = (stream) => {
    attach({ on: (event, listener) => (event === "data" ? (toPg = listener) : stream.on(event, listener)) });
    stream.on("data", (bytes) => reader.read(bytes));
  };
  return { client, reader };
}

/** Whether `error` was told by the server, and not by the socket. */
export function isServerMessage(error: unknown): error is Error & ServerMessage {
  return error instanceof Error && "severity" in error && "code" in error;
}
