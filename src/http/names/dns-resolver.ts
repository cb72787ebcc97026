import { type DnsAnswer, DnsServers, dotsOfWholeNames } from "./dns-servers.ts";
import { systemLookup } from "./dns-system.ts";
import { HostsFile, systemHostsPath } from "./hosts-file.ts";

/** How long an answer counts that does not say for how long. */
const unsaidTtlMs = 10_000;

/** Where names are looked up, each place asked after the one before. */
export interface ResolverOptions {
  /** Asked instead of the system's servers and its own resolver. */
  readonly servers?: readonly string[] | undefined;
  readonly hostsPath?: string;
  readonly configPath?: string;
}

/**
 * Looks names up: in the hosts file, then at DNS servers without occupying a thread, then by the system's own resolver.
 *
 * Only the last knows search domains, mDNS and the like. Where names may belong to those, and on systems other than
 * Linux, where servers may depend on the network or the name, it is the only one asked.
 */
export class Resolver {
  readonly #hosts: HostsFile;
  readonly #servers: DnsServers | undefined;
  readonly #asksSystem: boolean;
  readonly #wholeDots: number;

  /** @throws {TypeError} one of `servers` is no address of a server */
  constructor({ servers, hostsPath = systemHostsPath, configPath = "/etc/resolv.conf" }: ResolverOptions) {
    this.#hosts = new HostsFile(hostsPath);
    this.#asksSystem = servers === undefined;
    this.#wholeDots = servers === undefined ? dotsOfWholeNames(configPath) : 0;
    if (servers !== undefined || process.platform === "linux") this.#servers = new DnsServers(servers);
  }

  /** @param hostname - in lower case */
  async resolve(hostname: string): Promise<DnsAnswer> {
    const name = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
    const known = this.#hosts.find(name) ?? loopbackOf(name);
    if (known !== undefined) return { addresses: known, ttlMs: unsaidTtlMs };
    if (this.#servers !== undefined && this.#isWhole(hostname)) {
      try {
        return await this.#servers.resolve(hostname);
      } catch (error) {
        if (!this.#asksSystem) throw mainError(error);
      }
    }
    return { addresses: await systemLookup(hostname), ttlMs: unsaidTtlMs };
  }

  /** Ends the lookups under way. */
  close(): void {
    this.#servers?.close();
  }

  #isWhole(hostname: string): boolean {
    if (!this.#asksSystem || hostname.endsWith(".")) return true;
    return hostname.split(".").length - 1 >= this.#wholeDots && !hostname.endsWith(".local");
  }
}

/** Such names mean this machine, and are no business of any server: RFC 6761. */
function loopbackOf(name: string): readonly string[] | undefined {
  return name === "localhost" || name.endsWith(".localhost") ? ["127.0.0.1", "::1"] : undefined;
}

/** Of the errors for both kinds of address, one that is not merely that there is none of this kind. */
function mainError(error: unknown): unknown {
  if (!(error instanceof AggregateError)) return error;
  return error.errors.find(({ code }: { code?: string }) => code !== "ENODATA") ?? error.errors[0];
}
