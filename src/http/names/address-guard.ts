import { BlockList, isIPv4 } from "node:net";
import { PrivateHostError, type RequestName } from "../errors.ts";
import { ConnectFailure } from "../wire/failure.ts";

/** What of IPv4 is not the public internet: special-purpose addresses as of IANA's registry, and multicast. */
const privateIPv4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8], // this network
  ["10.0.0.0", 8],
  ["100.64.0.0", 10], // behind a carrier's NAT
  ["127.0.0.0", 8], // loopback
  ["169.254.0.0", 16], // link-local, and the metadata of clouds
  ["172.16.0.0", 12],
  ["192.0.0.0", 24], // protocol assignments
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // relays of 6to4
  ["192.168.0.0", 16],
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, and broadcast
];

/** What of IPv6 is public. All the rest is loopback, unspecified, unique-local, link-local, multicast or not given out. */
const publicIPv6: readonly (readonly [string, number])[] = [
  ["2000::", 3],
  ["64:ff9b::", 96], // NAT64
  ["::ffff:0:0", 96], // IPv4, which a BlockList takes them for
];

/** What of these is not, besides those that carry a private address of IPv4. */
const privateIPv6: readonly (readonly [string, number])[] = [
  ["2001::", 23], // protocol assignments, and Teredo, which carries addresses in disguise
  ["2001:db8::", 32], // documentation
  ["3fff::", 20], // documentation
];

const allowed = new BlockList();
for (const [net, bits] of publicIPv6) allowed.addSubnet(net, bits, "ipv6");

const refused = new BlockList();
for (const [net, bits] of privateIPv6) refused.addSubnet(net, bits, "ipv6");
for (const [net, bits] of privateIPv4) {
  refused.addSubnet(net, bits, "ipv4");
  refused.addSubnet(`64:ff9b::${net}`, 96 + bits, "ipv6");
  refused.addSubnet(sixToFour(net), 16 + bits, "ipv6");
}

/**
 * Whether an IP address is one of the public internet. Addresses of IPv6 that carry one of IPv4 (mapped, NAT64, 6to4)
 * count as what they carry.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !refused.check(address, "ipv4");
  if (address.includes("%")) return false; // A zone is of this machine.
  return allowed.check(address, "ipv6") && !refused.check(address, "ipv6");
}

/** `2002:7f00::` for 127.0.0.0. */
function sixToFour(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  return `2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::`;
}

/**
 * Those of the addresses of `host` that are public.
 *
 * @throws {PrivateHost} none is
 */
export function publicOf(host: string, addresses: readonly string[]): readonly string[] {
  const found = addresses.filter(isPublicAddress);
  if (found.length === 0) throw new PrivateHost(host, addresses[0]!);
  return found;
}

/** What a connection fails with that would go to a private address. */
export class PrivateHost extends ConnectFailure {
  readonly #host: string;
  readonly #address: string;

  constructor(host: string, address: string) {
    super(`${host} is at ${address}`);
    this.#host = host;
    this.#address = address;
  }

  errorFor(request: RequestName): Error {
    return new PrivateHostError(request, this.#host, this.#address);
  }
}
