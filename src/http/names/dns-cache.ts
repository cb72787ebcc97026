import { isIPv4, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { type Clock, realClock } from "../../core/index.ts";
import type { DnsAnswer } from "./dns-servers.ts";

/** Names kept at once. The oldest make way: a batch may go through any number of hosts. */
const maxNames = 10_000;

/** How long a failure counts: for those who ask at the same time, not for those who try again soon. */
const failureMs = 100;

/** How soon an answer may be asked for again that was of no use. */
const doubtMs = 1_000;

interface Entry {
  readonly addresses: Promise<readonly string[]>;
  readonly askedMs: number;
  /** Until when it counts. Infinity while the answer has not come. */
  dueMs: number;
  /** How often it was given out: connections take turns among the addresses. */
  turn: number;
}

/** Addresses of names, looked up once for all who ask before the answer is out of date. */
export class DnsCache {
  readonly #entries = new Map<string, Entry>();
  readonly #resolve: (hostname: string) => Promise<DnsAnswer>;
  readonly #maxMs: number;
  readonly #clock: Pick<Clock, "now">;

  /** @param maxMs - the longest time to keep an answer, whatever it says itself */
  constructor(resolve: (hostname: string) => Promise<DnsAnswer>, maxMs: number, clock: Pick<Clock, "now"> = realClock) {
    this.#resolve = resolve;
    this.#maxMs = maxMs;
    this.#clock = clock;
  }

  /** In the order in which they are to be tried. */
  async lookup(hostname: string): Promise<readonly string[]> {
    const entry = this.#find(hostname.toLowerCase());
    const turn = entry.turn++;
    return inOrder(await entry.addresses, turn);
  }

  /** The addresses of the name were of no use: from now on they do not count for long. */
  doubt(hostname: string): void {
    const entry = this.#entries.get(hostname.toLowerCase());
    if (entry !== undefined) entry.dueMs = Math.min(entry.dueMs, entry.askedMs + doubtMs);
  }

  #find(hostname: string): Entry {
    const kept = this.#entries.get(hostname);
    const askedMs = this.#clock.now();
    if (kept !== undefined && askedMs < kept.dueMs) return kept;
    const addresses = this.#ask(hostname, (dueMs) => (entry.dueMs = dueMs));
    const entry: Entry = { addresses, askedMs, dueMs: Infinity, turn: 0 };
    this.#entries.delete(hostname); // So that it becomes the youngest.
    this.#entries.set(hostname, entry);
    if (this.#entries.size > maxNames) this.#entries.delete(this.#entries.keys().next().value!);
    return entry;
  }

  async #ask(hostname: string, setDue: (dueMs: number) => void): Promise<readonly string[]> {
    let ttlMs = failureMs;
    try {
      const answer = await this.#resolve(hostname);
      if (answer.addresses.length === 0) throw notFound(hostname);
      ({ ttlMs } = answer);
      return answer.addresses;
    } finally {
      setDue(this.#clock.now() + Math.min(ttlMs, this.#maxMs));
    }
  }
}

/** Both kinds of address, each turned by `turn`; first the kind that this machine can reach others by. */
function inOrder(addresses: readonly string[], turn: number): readonly string[] {
  if (addresses.length === 1) return addresses;
  const four = turned(addresses.filter(isIPv4), turn);
  const six = turned(addresses.filter(isIPv6), turn);
  return four.length > 0 && six.length > 0 && !hasGlobalIPv6() ? [...four, ...six] : [...six, ...four];
}

function turned(addresses: readonly string[], turn: number): readonly string[] {
  const by = addresses.length === 0 ? 0 : turn % addresses.length;
  return [...addresses.slice(by), ...addresses.slice(0, by)];
}

function hasGlobalIPv6(): boolean {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  return all.some(({ family, internal, address }) => family === "IPv6" && !internal && /^[23]/.test(address));
}

/** As the system says it. */
function notFound(hostname: string): Error {
  return Object.assign(new Error(`lookup ENOTFOUND ${hostname}`), { code: "ENOTFOUND", hostname });
}
