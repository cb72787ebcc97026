import type { Socket } from "node:net";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { Http2Lease } from "./http2-lease.ts";
import { Multiplexer, type MultiplexerOwner } from "./multiplexer.ts";
import type { Network, Route } from "./network.ts";
import { Lane } from "./slots.ts";

/** What a session knows of one origin, while something of it is open or in line. */
export class Host extends Lane {
  /** `https://example.com:8443`. */
  readonly origin: string;
  /** `example.com:8443`, for labels. */
  readonly name: string;
  /** Connections that wait for the next request. The one used last goes first: the others may grow old. */
  readonly idle: Connection<Host>[] = [];
  /** How to get there. */
  readonly route: Route;
  /** Whether it sends a body in answer to HEAD, where there is none. */
  sendsBodyToHead = false;
  /** What requests go through where HTTP/2 is spoken, or may be. */
  multiplexer: Multiplexer | undefined = undefined;

  constructor(origin: string, route: Route) {
    super();
    this.origin = origin;
    this.route = route;
    this.name = origin.slice(origin.indexOf("//") + 2);
  }
}

/** A connection that is no more one of HTTP, as of a WebSocket. */
export interface Adopted {
  /** When its socket is closed. */
  readonly closed: Promise<void>;
  /** Everything of the session ends: it is to close its socket at once. */
  sessionClosed(): void;
}

/** The connections of a session. Never more than `maxOpen`: an idle one makes way for another host's. */
export class Pool implements ConnectionOwner, MultiplexerOwner {
  readonly #hosts = new Map<string, Host>();
  readonly #open = new Set<Connection<Host>>();
  readonly #closing = new Set<Promise<void>>();
  /** What has become something else than HTTP. */
  readonly #adopted = new Set<Adopted>();
  #maxOpen: number;
  readonly keepAliveMs: number;
  /** Those of HTTP/2. */
  #multiplexed = 0;
  readonly #network: Network;

  constructor(maxOpen: number, keepAliveMs: number, network: Network) {
    this.#maxOpen = maxOpen;
    this.keepAliveMs = keepAliveMs;
    this.#network = network;
  }

  /** Connections open for requests, idle ones included. */
  get open(): number {
    return this.#open.size + this.#multiplexed;
  }

  /** All connections, also those that are no more for requests. */
  get connections(): number {
    return this.open + this.#adopted.size;
  }

  /** All hosts of which something is known. */
  get hosts(): Iterable<Host> {
    return this.#hosts.values();
  }

  /** Idle connections above it make way; those in use go on. */
  set maxOpen(maxOpen: number) {
    this.#maxOpen = maxOpen;
    while (this.open > maxOpen && this.#dropOneIdle());
  }

  /** Connections that wait for somebody to read a response. For people: it looks at all. */
  countUnread(): number {
    let count = 0;
    for (const connection of this.#open) if (connection.user?.isUnread === true) count++;
    for (const { multiplexer } of this.#hosts.values()) count += multiplexer?.countUnread() ?? 0;
    return count;
  }

  /** Whether something is known of `origin`. */
  readonly knows = (origin: string): boolean => this.#hosts.has(origin);

  host(origin: string): Host {
    let host = this.#hosts.get(origin);
    if (host === undefined) this.#hosts.set(origin, (host = this.#makeHost(origin)));
    return host;
  }

  /** A connection to `host` that nobody uses, or a place on one. */
  take(host: Host, method: string): Connection<Host> | Http2Lease {
    return host.multiplexer?.lease() ?? this.#takeIdle(host, method) ?? this.#make(host, host.route);
  }

  /** After a HEAD only another HEAD follows: what came late is not to be taken for the body of somebody else's answer. */
  #takeIdle(host: Host, method: string): Connection<Host> | undefined {
    for (let idle = host.idle.pop(); idle !== undefined; idle = host.idle.pop()) {
      if (!idle.followsHead || (method === "HEAD" && !host.sendsBodyToHead)) return idle;
      this.drop(idle);
    }
    return undefined;
  }

  /** A connection to `host` of its own, which is to become something else than HTTP: see {@link adopt}. */
  takeForUpgrade(host: Host): Connection<Host> {
    return this.#make(host, { ...host.route, connect: host.route.tunnel, proxy: undefined });
  }

  /** Takes part in the end of the session, until its socket is closed. */
  adopt(adopted: Adopted): void {
    this.#adopted.add(adopted);
    void adopted.closed.then(() => this.#adopted.delete(adopted));
  }

  /** The connection can serve the next. */
  putBack(connection: Connection<Host> | Http2Lease): void {
    if (connection instanceof Http2Lease) return this.#endLease(connection, (own) => this.putBack(own));
    connection.free();
    connection.host.idle.push(connection);
  }

  /** Closes a connection that was taken, or ends what goes on in that place. */
  drop(connection: Connection<Host> | Http2Lease): void {
    if (connection instanceof Http2Lease) return this.#endLease(connection, (own) => this.drop(own));
    this.#open.delete(connection);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing.add(promise);
    connection.destroy(() => {
      this.#closing.delete(promise);
      resolve();
    });
  }

  #endLease(lease: Http2Lease, endOwn: (connection: Connection<Host>) => void): void {
    lease.end();
    if (lease.connection !== undefined) endOwn(lease.connection);
  }

  connectionIdled(connection: Connection): void {
    const { host } = connection as Connection<Host>;
    const at = host.idle.indexOf(connection as Connection<Host>);
    if (at === -1) return;
    host.idle.splice(at, 1);
    this.drop(connection as Connection<Host>);
    this.release(host);
  }

  /** Forgets a host of which nothing is left. */
  release(host: Host): void {
    if (!host.isUnused || host.idle.length > 0 || host.multiplexer?.isUnused === false) return;
    // It may have been forgotten before, and be known anew.
    if (this.#hosts.get(host.origin) === host) this.#hosts.delete(host.origin);
  }

  /** Ends what is in line and under way, closes all connections, and waits until their sockets are closed. */
  async close(): Promise<void> {
    const waiting = [...this.#hosts.values()].flatMap((host) => [...host.queue]);
    for (const job of waiting) job.sessionClosed();
    for (const connection of this.#open) {
      if (connection.user === undefined) this.drop(connection);
      else connection.user.sessionClosed();
    }
    const adopted = [...this.#adopted];
    for (const one of adopted) one.sessionClosed();
    const multiplexed = [...this.#hosts.values()].map((host) => host.multiplexer?.close());
    this.#hosts.clear();
    this.#network.close();
    await Promise.all([...this.#closing, ...multiplexed, ...adopted.map(({ closed }) => closed)]);
  }

  #makeHost(origin: string): Host {
    const host = new Host(origin, this.#network.route(origin));
    const http2 = this.#network.http2For(origin);
    if (http2 !== false) host.multiplexer = new Multiplexer(host, this, http2 === true);
    return host;
  }

  #make(host: Host, route: Route, socket?: Socket): Connection<Host> {
    this.makeRoom();
    const connection = new Connection(host, route, this.keepAliveMs, this, socket);
    this.#open.add(connection);
    return connection;
  }

  descriptorsRanOut(): void {
    this.#dropOneIdle();
  }

  // What multiplexers ask for.

  makeRoom(): void {
    if (this.open >= this.#maxOpen) this.#dropOneIdle();
  }

  count(change: 1 | -1): void {
    this.#multiplexed += change;
  }

  fallBack(host: Host, leases: readonly Http2Lease[], socket: Socket): void {
    host.multiplexer = undefined;
    let first: Socket | undefined = socket;
    for (const lease of leases) {
      lease.fallBackTo(this.#make(host, host.route, first));
      first = undefined;
    }
  }

  /** False if none is idle. */
  #dropOneIdle(): boolean {
    for (const host of this.#hosts.values()) {
      const connection = host.idle.shift();
      if (connection !== undefined) this.drop(connection);
      else if (host.multiplexer?.dropIdle() !== true) continue;
      this.release(host);
      return true;
    }
    return false;
  }
}
