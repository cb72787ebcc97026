import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { realClock } from "../../core/index.ts";

/** How long what was read counts before the file is looked at again. */
const freshMs = 5_000;

/** Where the system keeps the names that it asks no server for. */
export const systemHostsPath: string =
  process.platform === "win32" ? String.raw`C:\Windows\System32\drivers\etc\hosts` : "/etc/hosts";

/**
 * The hosts file of the system, read when it has changed.
 *
 * It is read without the threads that files and the system's resolver share: lookups are not to wait for those.
 */
export class HostsFile {
  readonly #path: string;
  #names: ReadonlyMap<string, readonly string[]> = new Map();
  #dueMs = -Infinity;
  #version = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** The addresses that the file gives for `hostname`, which is in lower case. */
  find(hostname: string): readonly string[] | undefined {
    const nowMs = realClock.now();
    if (nowMs >= this.#dueMs) {
      this.#dueMs = nowMs + freshMs;
      this.#read();
    }
    return this.#names.get(hostname);
  }

  #read(): void {
    try {
      const { mtimeMs, size } = statSync(this.#path);
      const version = `${mtimeMs} ${size}`;
      if (version === this.#version) return;
      this.#names = parseHosts(readFileSync(this.#path, "utf8"));
      this.#version = version;
    } catch {
      // No such file, or not for us: then it names nobody.
      this.#names = new Map();
      this.#version = "";
    }
  }
}

/** Names in lower case, each with its addresses in the order of the file. Lines that are none are passed over. */
export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [address, ...given] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (address === undefined || isIP(address) === 0) continue;
    for (const name of given) {
      const addresses = names.get(name.toLowerCase());
      if (addresses === undefined) names.set(name.toLowerCase(), [address]);
      else if (!addresses.includes(address)) addresses.push(address);
    }
  }
  return names;
}
