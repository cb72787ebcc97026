import { BlockList, isIP, isIPv4 } from "node:net";

/**
 * Hosts that are not reached through a proxy, as in `NO_PROXY`: names, which stand for all below them too, addresses and
 * networks such as `10.0.0.0/8`, each with a port if only that is meant; or `*` for all.
 */
export class NoProxy {
  readonly #all: boolean;
  /** Name or address, with `:port` if one is given. */
  readonly #hosts = new Set<string>();
  readonly #nets = new BlockList();

  constructor(entries: readonly string[]) {
    this.#all = entries.includes("*");
    for (const entry of entries) this.#add(entry.toLowerCase());
  }

  covers({ hostname, port, protocol }: URL): boolean {
    if (this.#all) return true;
    const host = plain(hostname);
    const suffix = `:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
    const has = (name: string): boolean => this.#hosts.has(name) || this.#hosts.has(name + suffix);
    if (isIP(host) !== 0) return has(host) || this.#nets.check(host, isIPv4(host) ? "ipv4" : "ipv6");
    for (let name = host; ; name = name.slice(name.indexOf(".") + 1)) {
      if (has(name)) return true;
      if (!name.includes(".")) return false;
    }
  }

  #add(entry: string): void {
    const net = /^\[?([\d.:a-f]+)\]?\/(\d+)$/.exec(entry);
    if (net !== null && isIP(net[1]!) !== 0) {
      const [, address = "", bits = ""] = net;
      const family = isIPv4(address) ? "ipv4" : "ipv6";
      if (Number(bits) <= (family === "ipv4" ? 32 : 128)) this.#nets.addSubnet(address, Number(bits), family);
      return;
    }
    const [, host = "", port = ""] = isIP(entry) === 0 ? (/^(.*?)(:\d+)?$/s.exec(entry) ?? []) : ["", entry];
    const name = plain(host.replace(/^\*?\./, ""));
    if (name !== "") this.#hosts.add(canonical(name) + port);
  }
}

/** The parts of a `NO_PROXY`. */
export function splitNoProxy(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== "");
}

/** Without the brackets of an IPv6 address, and without the dot that ends a whole name. */
function plain(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/** As the URL parser writes it. */
function canonical(name: string): string {
  const host = name.includes(":") ? `[${name}]` : name;
  return plain(URL.parse(`http://${host}/`)?.hostname ?? name);
}
