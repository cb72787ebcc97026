import { type LookupAddress } from "node:dns";
import { type LookupFunction, isIP } from "node:net";
import {
  type ConnectTo,
  type Connected,
  type Connecting,
  type Connector,
  type TlsOptions,
  makeConnector,
} from "../undici.ts";
import { makeLeanConnector } from "./lean-socket.ts";
import { PrivateHost, isPublicAddress, publicOf } from "../names/address-guard.ts";
import { wrong } from "../request/check.ts";
import { Dns, type DnsOptions } from "../names/dns.ts";
import { type FindProxy, type ProxyOptions, type ProxyServer, readProxy } from "./proxy.ts";
import { connectThrough } from "./tunnel.ts";

/** What of the options of a session says how its connections are made. */
export interface NetworkOptions {
  readonly tls?: TlsOptions;
  readonly dns?: DnsOptions;
  readonly proxy?: string | URL | ProxyOptions;
  readonly http2?: boolean | "auto";
  readonly allowPrivateHosts?: boolean;
}

/** How connections to one origin are made. */
export interface Route {
  readonly connect: Connector;
  /** The same for HTTP/2: over TLS it offers the server both versions. */
  readonly connectHttp2: Connector;
  /** The same for what is to be more than requests: where there is a proxy it goes through a tunnel, always. */
  readonly tunnel: Connector;
  /** Through which they go. */
  readonly proxy: ProxyServer | undefined;
}

/** How the connections of a session are made. */
export class Network {
  readonly #tls: TlsOptions | undefined;
  readonly #dns: Dns;
  readonly #isGuarded: boolean;
  readonly #findProxy: FindProxy | undefined;
  readonly #routes = new Map<ProxyServer | undefined, Route>();
  readonly #http2: boolean | "auto";

  /** @throws {TypeError | RangeError} an option is wrong */
  constructor({ tls, dns = {}, proxy, http2 = false, allowPrivateHosts = true }: NetworkOptions) {
    if (typeof allowPrivateHosts !== "boolean") {
      throw new TypeError(wrong("allowPrivateHosts", "a boolean", allowPrivateHosts));
    }
    if (proxy !== undefined && !allowPrivateHosts) {
      throw new TypeError("Expected no `proxy` with `allowPrivateHosts: false`: it would choose the address, unseen");
    }
    this.#tls = tls;
    this.#dns = new Dns(dns);
    if (typeof http2 !== "boolean" && http2 !== "auto")
      throw new TypeError(wrong("http2", 'a boolean or "auto"', http2));
    this.#http2 = http2;
    this.#isGuarded = !allowPrivateHosts;
    if (proxy !== undefined) this.#findProxy = readProxy(proxy, tls, process.env);
  }

  /** How to get to `origin`. */
  route(origin: string): Route {
    const proxy = this.#findProxy?.(origin);
    let route = this.#routes.get(proxy);
    if (route === undefined) this.#routes.set(proxy, (route = this.#makeRoute(proxy)));
    return route;
  }

  /** Whether HTTP/2 is to be spoken with `origin`: only that, or if the server likes, or not at all. */
  http2For(origin: string): boolean | "auto" {
    if (this.#http2 === false || origin.startsWith("https:")) return this.#http2;
    // Without TLS there is nothing to agree on it by, and proxies pass HTTP/1.1 on.
    return this.#http2 === true && this.route(origin).proxy === undefined;
  }

  #makeRoute(proxy: ProxyServer | undefined): Route {
    const connect = this.#direct((lookup) => makeConnector(this.#tls, lookup, false));
    const connectHttp2 = this.#direct((lookup) => makeConnector(this.#tls, lookup, true));
    if (proxy === undefined) {
      const lean = this.#direct(makeLeanConnector);
      const forRequests: Connector = (to, connected) => (to.protocol === "http:" ? lean : connect)(to, connected);
      return { connect: forRequests, connectHttp2, tunnel: connect, proxy };
    }
    const toProxy = this.#direct((lookup) => makeConnector(proxy.tls, lookup, false));
    const through = (toHost: Connector, isTunnelled: boolean): Connector => {
      const ends = { proxy: toProxy, host: toHost };
      return (to, connected) => connectThrough(proxy, ends, to, isTunnelled, connected);
    };
    return {
      connect: through(connect, false),
      connectHttp2: through(connectHttp2, false),
      tunnel: through(connect, true),
      proxy,
    };
  }

  /** A connector to the very host it is told. */
  #direct(make: (lookup: LookupFunction) => Connector): Connector {
    /** By port, where a name may have other addresses on each. */
    const open = new Map<string, Connector>();
    return (to, connected) => {
      const { hostname } = to;
      // Sockets do not look up what is an address already.
      if (this.#isGuarded && isIP(hostname) !== 0 && !isPublicAddress(hostname)) {
        return failLater(new PrivateHost(hostname, hostname), connected);
      }
      const port = this.#dns.hasKnown ? portOf(to) : "";
      let connect = open.get(port);
      if (connect === undefined) open.set(port, (connect = make(this.#lookupFor(port))));
      return connect(to, (error, socket) => {
        if (error !== null) this.#dns.doubt(hostname);
        connected(error, socket);
      });
    };
  }

  /** Ends the lookups under way. */
  close(): void {
    this.#dns.close();
  }

  /** Called by each socket, which then connects to no other addresses than these. */
  #lookupFor(port: string): LookupFunction {
    return (hostname, { all }, callback) => {
      const give = (found: readonly LookupAddress[]): void => {
        if (all === true) callback(null, [...found]);
        else callback(null, found[0]!.address, found[0]!.family);
      };
      this.#addressesOf(hostname, port).then(give, (error: Error) => callback(error, ""));
    };
  }

  async #addressesOf(hostname: string, port: string): Promise<readonly LookupAddress[]> {
    const found = await this.#dns.lookup(hostname, port);
    const usable = this.#isGuarded ? publicOf(hostname, found) : found;
    return usable.map((address) => ({ address, family: isIP(address) }));
  }
}

function portOf({ port, protocol }: ConnectTo): string {
  return port === "" ? (protocol === "https:" ? "443" : "80") : port;
}

/** Not at once: whoever connects is told after it has got what it can destroy. */
function failLater(error: Error, connected: Connected): Connecting {
  let isWanted = true;
  queueMicrotask(() => {
    if (isWanted) connected(error, null);
  });
  return { destroy: () => (isWanted = false) };
}
