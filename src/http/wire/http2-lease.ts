import { Link, outside } from "../../core/index.ts";
import type { WireRequest } from "../undici.ts";
import type { Connection, ConnectionUser } from "./connection.ts";
import type { Http2Session } from "./http2-session.ts";
import { Http2Stream } from "./http2-stream.ts";
import type { Multiplexer } from "./multiplexer.ts";
import type { Host } from "./pool.ts";

/**
 * What one request uses in place of a connection of its own, where HTTP/2 may be spoken.
 *
 *     waiting ── a connection has room ──> on a stream ──> over
 *        └────── the server speaks HTTP/1.1 only ──> on a connection of its own ──> over
 */
export class Http2Lease extends Link {
  readonly #multiplexer: Multiplexer;
  #request: WireRequest | undefined = undefined;
  #stream: Http2Stream | undefined = undefined;
  /** In its place, where the server does not speak HTTP/2. */
  connection: Connection<Host> | undefined = undefined;
  user: ConnectionUser | undefined = undefined;
  /** Requests that the connection has been used for. */
  uses = 0;

  constructor(multiplexer: Multiplexer) {
    super();
    this.#multiplexer = multiplexer;
  }

  /** Only connections of its own can fail unnoticed: see {@link Connection.failure}. */
  get failure(): Error | undefined {
    return this.connection?.failure;
  }

  /** As only those do: see {@link Connection.followsHead}. */
  get followsHead(): boolean {
    return this.connection?.followsHead ?? false;
  }

  get host(): Host {
    return this.#multiplexer.host;
  }

  send(request: WireRequest, user: ConnectionUser): void {
    this.#request = request;
    this.user = user;
    this.#multiplexer.enter(this);
  }

  /** Goes out over `session`, which has room. */
  startOn(session: Http2Session, hasWaited: boolean): void {
    const user = this.user!;
    if (hasWaited) user.connected();
    this.uses = session.uses + 1;
    // What comes back comes from the socket, not from the task that asks.
    outside(() => {
      try {
        this.#stream = new Http2Stream(session, this.host.origin, this.#request!, user);
      } catch (error) {
        this.fail(error as Error);
      }
    });
  }

  /** Goes out over a connection of its own. */
  fallBackTo(connection: Connection<Host>): void {
    this.connection = connection;
    connection.send(this.#request!, this.user!);
  }

  /** There is no connection to be had. */
  fail(error: Error): void {
    this.user?.onResponseError(null, error);
  }

  /** Ends it: its place is free for others. */
  end(): void {
    this.user = undefined;
    this.#stream?.close();
    this.#multiplexer.leave(this);
  }
}
