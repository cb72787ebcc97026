import type { Socket } from "node:net";
import { LinkedList, outside } from "../../core/index.ts";
import type { TLSSocket } from "node:tls";
import type { Connected, Connecting, ConnectTo } from "../undici.ts";
import { Http2Lease } from "./http2-lease.ts";
import { Http2Session, type Http2SessionOwner } from "./http2-session.ts";
import { connectPatiently } from "./patient-connect.ts";
import type { Host } from "./pool.ts";

/** What a {@link Multiplexer} asks of the pool. */
export interface MultiplexerOwner {
  readonly keepAliveMs: number;
  /** A connection more is about to be opened. */
  makeRoom(): void;
  /** There are no descriptors left: what is idle is to make way. */
  descriptorsRanOut(): void;
  /** A connection was opened, or closed. */
  count(change: 1 | -1): void;
  /** The server speaks HTTP/1.1: these go on over connections of their own, the first of them over `socket`. */
  fallBack(host: Host, leases: readonly Http2Lease[], socket: Socket): void;
  /** Nothing is left of it. */
  release(host: Host): void;
}

/**
 * The HTTP/2 connections to one host: one as a rule, and more where the server takes fewer requests at once than there
 * are. Requests never wait for others to end, that is what slots are for; only for a connection to open.
 */
export class Multiplexer implements Http2SessionOwner {
  readonly host: Host;
  readonly #owner: MultiplexerOwner;
  /** Whether a server that does not speak HTTP/2 is an error. */
  readonly #isRequired: boolean;
  readonly #sessions = new Set<Http2Session>();
  readonly #leases = new Set<Http2Lease>();
  readonly #waiting: LinkedList<Http2Lease> = new LinkedList();
  /** The connection being opened, until it is known what the server takes. */
  #opening: Connecting | undefined = undefined;

  constructor(host: Host, owner: MultiplexerOwner, isRequired: boolean) {
    this.host = host;
    this.#owner = owner;
    this.#isRequired = isRequired;
  }

  /** Whether nothing is open, nor on its way. */
  get isUnused(): boolean {
    return this.#sessions.size === 0 && this.#leases.size === 0;
  }

  countUnread(): number {
    let count = 0;
    for (const lease of this.#leases) if (lease.user?.isUnread === true) count++;
    return count;
  }

  lease(): Http2Lease {
    const lease = new Http2Lease(this);
    this.#leases.add(lease);
    return lease;
  }

  /** Lets a request go out as soon as there is a connection with room. */
  enter(lease: Http2Lease): void {
    const session = this.#findRoom();
    if (session !== undefined) return lease.startOn(session, false);
    this.#waiting.push(lease);
    lease.user!.connecting();
    this.#open();
  }

  /** A request is over. The connection that only it waited for is not opened any more. */
  leave(lease: Http2Lease): void {
    this.#leases.delete(lease);
    lease.list?.remove(lease);
    if (this.#waiting.size === 0) this.#stopOpening();
  }

  /** Closes one connection that nobody uses. */
  dropIdle(): boolean {
    for (const session of this.#sessions) {
      if (!session.isIdle) continue;
      session.destroy();
      return true;
    }
    return false;
  }

  /** Ends what is under way, closes all connections, and waits until they are closed. */
  async close(): Promise<void> {
    for (const lease of this.#leases) lease.user?.sessionClosed();
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  sessionReady(session: Http2Session): void {
    this.#opening = undefined;
    if (!session.hasRoom) {
      // Another connection would be no better, nor the one after it.
      session.destroy();
      return this.#failWaiting(new Error("the server takes no requests on a new connection"));
    }
    for (let lease = this.#waiting.head; lease !== null; lease = this.#waiting.head) {
      const next = this.#findRoom();
      if (next === undefined) return this.#open();
      this.#waiting.remove(lease);
      lease.startOn(next, true);
    }
  }

  sessionEnded(session: Http2Session, error: Error | undefined): void {
    this.#sessions.delete(session);
    this.#owner.count(-1);
    if (this.#opening === session) {
      this.#opening = undefined;
      this.#failWaiting(error ?? new Error("the server closed the connection before it said what it takes"));
    }
    this.#owner.release(this.host);
  }

  #findRoom(): Http2Session | undefined {
    for (const session of this.#sessions) if (session.hasRoom) return session;
    return undefined;
  }

  #open(): void {
    if (this.#opening !== undefined) return;
    this.#owner.makeRoom();
    // The connection outlives the task that needs it first.
    const { origin, route } = this.host;
    const ranOut = (): void => {
      for (const lease of this.#waiting) lease.user?.connecting();
      this.#owner.descriptorsRanOut();
    };
    outside(() => (this.#opening = connectPatiently(route.connectHttp2, placeOf(origin), this.#connected, ranOut)));
  }

  readonly #connected: Connected = (error, socket) => {
    this.#opening = undefined;
    if (error !== null) return this.#failWaiting(error);
    const { origin } = this.host;
    const isAgreed = (socket as Partial<TLSSocket>).alpnProtocol === "h2";
    if (isAgreed || origin.startsWith("http:")) {
      const session = new Http2Session(origin, socket!, this.#owner.keepAliveMs, this);
      this.#opening = session;
      this.#sessions.add(session);
      this.#owner.count(1);
    } else if (this.#isRequired) {
      socket!.destroy();
      const refusal = new Error("the server does not speak HTTP/2");
      this.#failWaiting(Object.assign(refusal, { code: "ERR_TLS_NO_HTTP2" }));
    } else {
      this.#owner.fallBack(this.host, this.#takeWaiting(), socket!);
    }
  };

  #stopOpening(): void {
    this.#opening?.destroy();
    this.#opening = undefined;
  }

  #failWaiting(error: Error): void {
    for (const lease of this.#takeWaiting()) lease.fail(error);
  }

  #takeWaiting(): Http2Lease[] {
    const all = [...this.#waiting];
    for (const lease of all) this.#waiting.remove(lease);
    return all;
  }
}

function placeOf(origin: string): ConnectTo {
  const { protocol, host, hostname, port } = new URL(origin);
  return { protocol, host, hostname: hostname.replace(/^\[(.*)\]$/, "$1"), port };
}
