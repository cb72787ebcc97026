import { Connection, type ConnectionOwner } from "./connection.ts";
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
  /** How to get there, once a connection was needed. */
  route: Route | undefined = undefined;

  constructor(origin: string) {
    super();
    this.origin = origin;
    this.name = origin.slice(origin.indexOf("//") + 2);
  }
}

/** The connections of a session. Never more than `maxOpen`: an idle one makes way for another host's. */
export class Pool implements ConnectionOwner {
  readonly #hosts = new Map<string, Host>();
  readonly #open = new Set<Connection<Host>>();
  readonly #closing = new Set<Promise<void>>();
  readonly #maxOpen: number;
  readonly #keepAliveMs: number;
  readonly #network: Network;

  constructor(maxOpen: number, keepAliveMs: number, network: Network) {
    this.#maxOpen = maxOpen;
    this.#keepAliveMs = keepAliveMs;
    this.#network = network;
  }

  /** Connections open, idle ones included. */
  get open(): number {
    return this.#open.size;
  }

  /** Connections that wait for somebody to read a response. For people: it looks at all. */
  countUnread(): number {
    let count = 0;
    for (const connection of this.#open) if (connection.user?.isUnread === true) count++;
    return count;
  }

  /** Whether something is known of `origin`. */
  readonly knows = (origin: string): boolean => this.#hosts.has(origin);

  host(origin: string): Host {
    let host = this.#hosts.get(origin);
    if (host === undefined) this.#hosts.set(origin, (host = new Host(origin)));
    return host;
  }

  /** A connection to `host` that nobody uses. */
  take(host: Host): Connection<Host> {
    return host.idle.pop() ?? this.#make(host);
  }

  /** The connection can serve the next. */
  putBack(connection: Connection<Host>): void {
    connection.free();
    connection.host.idle.push(connection);
  }

  /** Closes a connection that was taken. */
  drop(connection: Connection<Host>): void {
    this.#open.delete(connection);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closing.add(promise);
    connection.destroy(() => {
      this.#closing.delete(promise);
      resolve();
    });
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
    if (host.isUnused && host.idle.length === 0) this.#hosts.delete(host.origin);
  }

  /** Ends what is in line and under way, closes all connections, and waits until their sockets are closed. */
  async close(): Promise<void> {
    const waiting = [...this.#hosts.values()].flatMap((host) => [...host.queue]);
    for (const job of waiting) job.sessionClosed();
    for (const connection of this.#open) {
      if (connection.user === undefined) this.drop(connection);
      else connection.user.sessionClosed();
    }
    this.#hosts.clear();
    this.#network.close();
    await Promise.all(this.#closing);
  }

  #make(host: Host): Connection<Host> {
    if (this.#open.size >= this.#maxOpen) this.#dropOneIdle();
    host.route ??= this.#network.route(host.origin);
    const connection = new Connection(host, host.route, this.#keepAliveMs, this);
    this.#open.add(connection);
    return connection;
  }

  #dropOneIdle(): void {
    for (const host of this.#hosts.values()) {
      const connection = host.idle.shift();
      if (connection === undefined) continue;
      this.drop(connection);
      this.release(host);
      return;
    }
  }
}
