import { type LookupFunction, isIP } from "node:net";
import {
  type Connected,
  type Connecting,
  type ConnectTo,
  type Connector,
  type TlsOptions,
  makeConnector,
} from "../undici.ts";
import { Dns, type DnsOptions } from "./dns.ts";

/** What of the options of a session says how its connections are made. */
export interface NetworkOptions {
  readonly tls?: TlsOptions;
  readonly dns?: DnsOptions;
}

/** How the connections of a session are made. */
export class Network {
  readonly #tls: TlsOptions | undefined;
  readonly #dns: Dns;
  #connector: Connector | undefined;

  /** @throws {TypeError | RangeError} an option is wrong */
  constructor({ tls, dns = {} }: NetworkOptions) {
    this.#tls = tls;
    this.#dns = new Dns(dns);
  }

  /** Opens a connection. */
  connect(to: ConnectTo, connected: Connected): Connecting {
    this.#connector ??= makeConnector(this.#tls, this.#lookup);
    return this.#connector(to, (error, socket) => {
      if (error !== null) this.#dns.doubt(to.hostname);
      connected(error, socket);
    });
  }

  /** Ends the lookups under way. */
  close(): void {
    this.#dns.close();
  }

  /** Called by the socket, for what is not an address already. */
  readonly #lookup: LookupFunction = (hostname, { all }, callback) => {
    const give = (addresses: readonly string[]): void => {
      if (all === true)
        callback(
          null,
          addresses.map((address) => ({ address, family: isIP(address) })),
        );
      else callback(null, addresses[0]!, isIP(addresses[0]!));
    };
    this.#dns.lookup(hostname).then(give, (error: Error) => callback(error, ""));
  };
}
