/**
 * The one file that knows undici: clients of one connection each, which we pool ourselves.
 *
 * A request that undici queues cannot be told from one that is connecting, and cannot be taken back; so it is never
 * given more than a connection can take at once. Our pool is also faster: handing a connection to the next request
 * before undici has put it to rest saves two timers and a turn of the loop each (70,000 against 53,000 requests/s).
 *
 * Loaded when the first connection is opened, and only the client: the whole library takes three times as long (50
 * against 18 ms), and would install its global dispatcher. The path has been the same since undici 6.
 */
import { createRequire } from "node:module";
import type { LookupFunction, Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type * as Undici from "undici";

/** Settings of TLS, as of `tls.connect` of Node. */
export type TlsOptions = Omit<
  ConnectionOptions,
  "host" | "port" | "path" | "socket" | "lookup" | "timeout" | "ALPNProtocols"
>;

/** What undici is asked to send. It reads the fields, and changes nothing. */
export interface WireRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Name, value, name, value, ... */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array> | null;
  /** The protocol that the connection is to go on with, if the server agrees. */
  readonly upgrade?: string;
  /** `false`: the connection is kept where undici would close it, which is after HEAD. */
  readonly reset?: false;
}

/** Headers of a response: names in lower case, an array where one came several times. */
export type WireHeaders = Record<string, string | string[] | undefined>;

/** Stops the flow of a response's body, and lets it go on. */
export interface FlowControl {
  pause(): void;
  resume(): void;
}

/** Whom undici tells how a request goes. It calls from the context of the socket. */
export interface WireHandler {
  onRequestStart(control: FlowControl): void;
  /** Also called for responses that announce another, such as 103. */
  onResponseStart(control: FlowControl, status: number, headers: WireHeaders): void;
  onResponseData(control: FlowControl, chunk: Buffer): void;
  onResponseEnd(control: FlowControl): void;
  onResponseError(control: FlowControl | null, error: Error): void;
  /** The server has agreed to another protocol. Asked for with requests that have an `upgrade`. The socket is paused. */
  onRequestUpgrade?(control: FlowControl, status: number, headers: WireHeaders, socket: Socket): void;
}

/** A client of one connection, which it opens and opens again as needed. */
export interface WireClient {
  dispatch(request: WireRequest, handler: WireHandler): boolean;
  /** Closes the connection at once. The callback comes when the socket is closed. */
  destroy(error: Error, callback: () => void): void;
  on(event: "disconnect", listener: () => void): this;
}

/** Where a connection is to go, in undici's words. */
export interface ConnectTo {
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string;
  /** For SNI: the name, whatever comes behind a colon. */
  readonly host?: string;
  readonly port: string;
  readonly protocol: string;
  /** An open connection to speak TLS over, in place of one of its own. */
  readonly httpSocket?: Socket;
}

/** Told when there is a connection, or why there is none. */
export type Connected = (error: Error | null, socket: Socket | null) => void;

/** A connection on its way. Destroyed, it does not call back. */
export interface Connecting {
  destroy(): unknown;
}

/** Opens connections. */
export type Connector = (to: ConnectTo, connected: Connected) => Connecting;

const require = createRequire(import.meta.url);

type BuildConnector = (options: Undici.buildConnector.BuildOptions) => Connector;
type ClientClass = new (origin: string, options: Undici.Client.Options) => WireClient;
let clientClass: ClientClass | undefined;

/**
 * A connector that keeps TLS sessions for further connections. Has no timeout: that is ours.
 *
 * @param offersHttp2 - whether the server may choose HTTP/2, which is then to be spoken over the socket
 */
export function makeConnector(tls: TlsOptions | undefined, lookup: LookupFunction, offersHttp2: boolean): Connector {
  const build = require("undici/lib/core/connect.js") as BuildConnector;
  return build({ ...tls, lookup, timeout: 0, allowH2: offersHttp2, preferH2: offersHttp2 });
}

/** A client that connects when it is first given a request. Its time limits are off: ours take their place. */
export function makeClient(origin: string, connect: Connector, keepAliveMs: number): WireClient {
  clientClass ??= require("undici/lib/dispatcher/client.js") as ClientClass;
  return new clientClass(origin, {
    connect: connect as unknown as Undici.buildConnector.connector,
    keepAliveTimeout: keepAliveMs,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  });
}
