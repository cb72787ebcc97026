import type { Shared } from "../../core/index.ts";

/**
 * What `statistics()` call that which must come back: who holds and who waits. By these words the primitives of the
 * package are looked at, and any other object that passes itself to `arrive`.
 */
const held = [
  "inUse",
  "isLocked",
  "isWriting",
  "readers",
  "inFlight",
  "waiting",
  "putting",
  "getting",
  "joining",
  "sending",
  "receiving",
] as const;

/** Remembers what is held of the primitives that a run touches, as it was when each was first touched. */
export class HeldBefore {
  readonly #before = new Map<Shared, Map<string, number>>();

  touch(at: Shared): void {
    if (!this.#before.has(at)) this.#before.set(at, heldOf(at));
  }

  /** Where more is held than was before: "Semaphore "db": inUse is 1, was 0". */
  more(): string[] {
    const found: string[] = [];
    for (const [at, before] of this.#before) {
      for (const [word, count] of heldOf(at)) {
        const was = before.get(word) ?? 0;
        if (count > was) found.push(`${at.label ?? at.constructor.name}: ${word} is ${count}, was ${was}`);
      }
    }
    return found;
  }
}

function heldOf(at: Shared): Map<string, number> {
  const statistics = at.statistics() as Record<string, unknown>;
  return new Map(held.filter((word) => word in statistics).map((word) => [word, Number(statistics[word])]));
}
