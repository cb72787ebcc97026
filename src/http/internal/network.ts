import { type LookupAddress } from "node:dns";
import { type LookupFunction, isIP } from "node:net";
import {
  type Connected,
  type Connecting,
  type ConnectTo,
  type Connector,
  type TlsOptions,
  makeConnector,
} from "../undici.ts";
import { PrivateHost, isPublicAddress, publicOf } from "./address-guard.ts";
import { wrong } from "./check.ts";
import { Dns, type DnsOptions } from "./dns.ts";

/** What of the options of a session says how its connections are made. */
export interface NetworkOptions {
  readonly tls?: TlsOptions;
  readonly dns?: DnsOptions;
  readonly allowPrivateHosts?: boolean;
}

/** How the connections of a session are made. */
export class Network {
  readonly #tls: TlsOptions | undefined;
  readonly #dns: Dns;
  readonly #isGuarded: boolean;
  #connector: Connector | undefined;

  /** @throws {TypeError | RangeError} an option is wrong */
  constructor({ tls, dns = {}, allowPrivateHosts = true }: NetworkOptions) {
    if (typeof allowPrivateHosts !== "boolean") {
      throw new TypeError(wrong("allowPrivateHosts", "a boolean", allowPrivateHosts));
    }
    this.#tls = tls;
    this.#dns = new Dns(dns);
    this.#isGuarded = !allowPrivateHosts;
  }

  /** Opens a connection. */
  connect(to: ConnectTo, connected: Connected): Connecting {
    const { hostname } = to;
    // Sockets do not look up what is an address already.
    if (this.#isGuarded && isIP(hostname) !== 0 && !isPublicAddress(hostname)) {
      return failLater(new PrivateHost(hostname, hostname), connected);
    }
    this.#connector ??= makeConnector(this.#tls, this.#lookup);
    return this.#connector(to, (error, socket) => {
      if (error !== null) this.#dns.doubt(hostname);
      connected(error, socket);
    });
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
