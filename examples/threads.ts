/** Counts primes in threads, in one file, and gives up a count that takes too long. */
import { map, run, timeout } from "taskwright";
import { cpu, throwIfCancelled } from "taskwright/workers";

const countPrimes = cpu(function countPrimes(from: number, to: number) {
  let count = 0;
  for (let n = from; n < to; n++) {
    throwIfCancelled();
    if (isPrime(n)) count++;
  }
  return count;
});

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n >= 2;
}

// Threads import this file to find the function: they do not do what is in here.
if (import.meta.main) {
  await run(async () => {
    const starts = Array.from({ length: 10 }, (_, i) => i * 10_000);
    const counts = await map(starts, (start) => countPrimes(start, start + 10_000), { concurrency: 10 });
    console.log(`${counts.reduce((sum, count) => sum + count, 0)} primes below 100000`);

    await timeout(50, () => countPrimes(0, Infinity)).catch((error: Error) => console.log(error.message));
  });
}
