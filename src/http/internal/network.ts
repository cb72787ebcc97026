import { type LookupAddress } from "node:dns";
import { type LookupFunction, isIP } from "node:net";
import { type Connected, type Connecting, type Connector, type TlsOptions, makeConnector } from "../undici.ts";
import { PrivateHost, isPublicAddress, publicOf } from "./address-guard.ts";
import { wrong } from "./check.ts";
import { Dns, type DnsOptions } from "./dns.ts";
import { type FindProxy, type ProxyOptions, type ProxyServer, readProxy } from "./proxy.ts";
import { connectThrough } from "./tunnel.ts";

/** What of the options of a session says how its connections are made. */
export interface NetworkOptions {
  readonly tls?: TlsOptions;
  readonly dns?: DnsOptions;
  readonly proxy?: string | URL | ProxyOptions;
  readonly allowPrivateHosts?: boolean;
}

/** How connections to one origin are made. */
export interface Route {
  readonly connect: Connector;
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
  /** By their TLS settings: each keeps the TLS sessions of its own. */
  readonly #connectors = new Map<TlsOptions | undefined, Connector>();

  /** @throws {TypeError | RangeError} an option is wrong */
  constructor({ tls, dns = {}, proxy, allowPrivateHosts = true }: NetworkOptions) {
    if (typeof allowPrivateHosts !== "boolean") {
      throw new TypeError(wrong("allowPrivateHosts", "a boolean", allowPrivateHosts));
    }
    if (proxy !== undefined && !allowPrivateHosts) {
      throw new TypeError("Expected no `proxy` with `allowPrivateHosts: false`: it would choose the address, unseen");
    }
    this.#tls = tls;
    this.#dns = new Dns(dns);
    this.#isGuarded = !allowPrivateHosts;
    if (proxy !== undefined) this.#findProxy = readProxy(proxy, tls, process.env);
  }

  /** How to get to `origin`. */
  route(origin: string): Route {
    const proxy = this.#findProxy?.(origin);
    let route = this.#routes.get(proxy);
    if (route === undefined) this.#routes.set(proxy, (route = { connect: this.#connectorFor(proxy), proxy }));
    return route;
  }

  #connectorFor(proxy: ProxyServer | undefined): Connector {
    const host = this.#direct(this.#tls);
    if (proxy === undefined) return host;
    const ends = { proxy: this.#direct(proxy.tls), host };
    return (to, connected) => connectThrough(proxy, ends, to, connected);
  }

  /** A connector to the very host it is told. */
  #direct(tls: TlsOptions | undefined): Connector {
    return (to, connected) => {
      const { hostname } = to;
      // Sockets do not look up what is an address already.
      if (this.#isGuarded && isIP(hostname) !== 0 && !isPublicAddress(hostname)) {
        return failLater(new PrivateHost(hostname, hostname), connected);
      }
      let open = this.#connectors.get(tls);
      if (open === undefined) this.#connectors.set(tls, (open = makeConnector(tls, this.#lookup)));
      return open(to, (error, socket) => {
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
  readonly #lookup: LookupFunction = (hostname, { all }, callback) => {
    const give = (found: readonly LookupAddress[]): void => {
      if (all === true) callback(null, [...found]);
      else callback(null, found[0]!.address, found[0]!.family);
    };
    this.#addressesOf(hostname).then(give, (error: Error) => callback(error, ""));
  };

  async #addressesOf(hostname: string): Promise<readonly LookupAddress[]> {
    const found = await this.#dns.lookup(hostname);
    const usable = this.#isGuarded ? publicOf(hostname, found) : found;
    return usable.map((address) => ({ address, family: isIP(address) }));
  }
}

/** Not at once: whoever connects is told after it has got what it can destroy. */
function failLater(error: Error, connected: Connected): Connecting {
  let isWanted = true;
  queueMicrotask(() => {
    if (isWanted) connected(error, null);
  });
  return { destroy: () => (isWanted = false) };
}
