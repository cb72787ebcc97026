import { type RecordWithTtl, promises } from "node:dns";
import { readFileSync } from "node:fs";
import { Timer, realClock } from "../../core/index.ts";

/** Addresses, and how long they hold. */
export interface DnsAnswer {
  readonly addresses: readonly string[];
  readonly ttlMs: number;
}

/** How long one server gets at first. Tried twice, so that what it does not know is known elsewhere in good time. */
const tryMs = 1_500;

/** How long the second kind of address is waited for when the first is there, as of RFC 8305. */
const secondKindMs = 50;

/** DNS servers, asked over sockets: no thread waits, and answers say how long they hold. */
export class DnsServers {
  readonly #resolver: promises.Resolver = new promises.Resolver({ timeout: tryMs, tries: 2 });

  /** @param servers - those of the system if left out */
  constructor(servers: readonly string[] | undefined) {
    if (servers !== undefined) this.#resolver.setServers(servers);
  }

  /** Rejects if neither kind of address is to be had. */
  async resolve(hostname: string): Promise<DnsAnswer> {
    const records: RecordWithTtl[] = [];
    const take = (more: RecordWithTtl[]): void => void records.push(...more);
    const four = this.#resolver.resolve4(hostname, { ttl: true }).then(take);
    const six = this.#resolver.resolve6(hostname, { ttl: true }).then(take);
    const both = Promise.allSettled([four, six]);
    await Promise.any([four, six]);
    // Some servers never answer for the kind of address that they have none of.
    await beforeOr(both, secondKindMs);
    const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1_000;
    return { addresses: records.map(({ address }) => address), ttlMs };
  }

  /** Ends the lookups under way. */
  close(): void {
    this.#resolver.cancel();
  }
}

async function beforeOr(promise: Promise<unknown>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = new Timer(late.resolve);
  realClock.schedule(realClock.now() + ms, timer);
  await Promise.race([promise, late.promise]);
  timer.cancel();
}

/**
 * With how many dots the system takes a name for a whole one, which is first asked for as it is (`ndots`). Others are
 * first completed by search domains, so to ask for them as they are could find somebody else's host.
 */
export function dotsOfWholeNames(configPath: string): number {
  try {
    const found = /^\s*options\b.*\bndots:(\d+)/m.exec(readFileSync(configPath, "utf8"));
    return Math.min(Number(found?.[1] ?? 1), 15);
  } catch {
    return 1;
  }
}
