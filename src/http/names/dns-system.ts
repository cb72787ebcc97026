import { lookup } from "node:dns";

/** One lookup by the system occupies a thread of four, which it shares with files: so there are never more than two. */
const maxAtOnce = 2;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * The addresses of a name by the system's own resolver (getaddrinfo), which knows search domains, mDNS and whatever else
 * the machine is set up with, but not how long its answers hold.
 */
export async function systemLookup(hostname: string): Promise<readonly string[]> {
  if (running < maxAtOnce) running++;
  else await new Promise<void>((resolve) => waiting.push(resolve)); // Takes the place of the one that ends.
  try {
    return await ask(hostname);
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

function ask(hostname: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses.map(({ address }) => address));
      else reject(error);
    });
  });
}
