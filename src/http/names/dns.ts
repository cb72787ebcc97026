import { isIP } from "node:net";
import { expectMs } from "../../core/index.ts";
import { wrong } from "../request/check.ts";
import { DnsCache } from "./dns-cache.ts";
import { Resolver } from "./dns-resolver.ts";
import type { DnsAnswer } from "./dns-servers.ts";

/** How names are looked up. */
export interface DnsOptions {
  /**
   * Asked in place of the system's servers and its own resolver: addresses, with a port if it is not 53, such as
   * `10.0.0.2` or `[::1]:5353`. Not together with `lookup`. @default those of the system
   */
  readonly servers?: readonly string[];
  /**
   * The longest time to keep an answer, in milliseconds; 0 keeps none. Answers that say how long they hold are not kept
   * longer than that, and others not longer than 10 seconds. @default 300_000
   */
  readonly cacheMs?: number;
  /**
   * Says the addresses of a name, in place of everything else. Called outside of all tasks, because all requests share
   * the answer. @default the hosts file, then DNS servers, then the system's own resolver
   */
  readonly lookup?: (hostname: string) => Promise<readonly string[]> | readonly string[];
  /**
   * Addresses of names that are not to be looked up: by the name, or by name and port, such as `example.com:443`, which
   * comes first. Requests and TLS still use the name. @default none
   */
  readonly hosts?: Readonly<Record<string, string | readonly string[]>>;
}

/** How long the answers of `dns.lookup` count. */
const ownTtlMs = 10_000;

/** The names that a session looks up. */
export class Dns {
  readonly #cache: DnsCache;
  readonly #known: ReadonlyMap<string, readonly string[]> | undefined;
  /** Made when the first name is looked up: many sessions have nothing but addresses to go to. */
  #resolver: Resolver | undefined;

  /** @throws {TypeError | RangeError} an option is wrong */
  constructor(options: DnsOptions) {
    if (typeof options !== "object" || options === null) throw new TypeError(wrong("dns", "an object", options));
    const { servers, cacheMs = 300_000, lookup, hosts } = options;
    expectMs("dns.cacheMs", cacheMs, 0);
    if (lookup !== undefined && typeof lookup !== "function") {
      throw new TypeError(wrong("dns.lookup", "a function", lookup));
    }
    if (servers !== undefined && lookup !== undefined) {
      throw new TypeError("Expected either `dns.servers` or `dns.lookup`, got both");
    }
    this.#known = hosts === undefined ? undefined : readHosts(hosts);
    if (servers !== undefined) this.#resolver = withServers(servers);
    const resolve = (hostname: string): Promise<DnsAnswer> => (this.#resolver ??= new Resolver({})).resolve(hostname);
    this.#cache = new DnsCache(lookup === undefined ? resolve : (hostname) => askOwn(lookup, hostname), cacheMs);
  }

  /** Whether some names have addresses of their own, perhaps on one port only. */
  get hasKnown(): boolean {
    return this.#known !== undefined;
  }

  /** The addresses of a name, in the order in which they are to be tried. */
  async lookup(hostname: string, port: string): Promise<readonly string[]> {
    const known = this.#known?.get(`${hostname}:${port}`) ?? this.#known?.get(hostname);
    return known ?? this.#cache.lookup(hostname);
  }

  /** The addresses of the name were of no use: asks again soon. */
  doubt(hostname: string): void {
    this.#cache.doubt(hostname);
  }

  /** Ends the lookups under way. */
  close(): void {
    this.#resolver?.close();
  }
}

function readHosts(hosts: NonNullable<DnsOptions["hosts"]>): Map<string, readonly string[]> {
  const expected = "an object of names and their IP addresses";
  if (typeof hosts !== "object" || hosts === null) throw new TypeError(wrong("dns.hosts", expected, hosts));
  const entries = Object.entries(hosts).map(([name, given]): [string, readonly string[]] => {
    const addresses: readonly unknown[] = Array.isArray(given) ? given : [given];
    const other = addresses.length === 0 ? given : addresses.find((one) => isIP(one as string) === 0);
    if (other !== undefined) throw new TypeError(wrong(`dns.hosts[${JSON.stringify(name)}]`, "IP addresses", other));
    return [name.toLowerCase(), addresses as readonly string[]];
  });
  return new Map(entries);
}

function withServers(servers: readonly string[]): Resolver {
  try {
    return new Resolver({ servers });
  } catch (error) {
    const message = wrong("dns.servers", "a list of addresses, such as `10.0.0.2` or `[::1]:5353`", servers);
    throw new TypeError(message, { cause: error });
  }
}

async function askOwn(lookup: NonNullable<DnsOptions["lookup"]>, hostname: string): Promise<DnsAnswer> {
  const addresses: unknown = await lookup(hostname);
  if (Array.isArray(addresses) && addresses.every((one) => isIP(one as string) !== 0)) {
    return { addresses: addresses as readonly string[], ttlMs: ownTtlMs };
  }
  throw new TypeError(`Expected \`dns.lookup\` to return a list of IP addresses for ${hostname}`);
}
