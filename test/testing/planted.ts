/** Two bugs of the kind that tests do not find, as they are made, and each mended. */
import { Event, Semaphore, checkpoint, sleep, taskGroup } from "taskwright";

/** Lends out so many connections. */
export interface Pool {
  readonly free: number;
  take(): Promise<void>;
  giveBack(): void;
}

/** Whoever is cancelled while it waits stays in line, and a connection that is given back goes to nobody. */
export class LeakyPool implements Pool {
  free: number;
  readonly #waiting: Event[] = [];

  constructor(size: number) {
    this.free = size;
  }

  async take(): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return;
    }
    const turn = new Event();
    this.#waiting.push(turn);
    await turn.wait();
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.free++;
    else next.set();
  }
}

/**
 * Whoever is cancelled while it waits leaves the line; but between the cancellation and that, it may be given a
 * connection, with which it does nothing.
 */
export class HalfMendedPool implements Pool {
  free: number;
  protected readonly waiting: Set<Event> = new Set();

  constructor(size: number) {
    this.free = size;
  }

  async take(): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return;
    }
    const turn = new Event();
    this.waiting.add(turn);
    try {
      await turn.wait();
    } catch (error) {
      this.gone(turn);
      throw error;
    }
  }

  giveBack(): void {
    const [next] = this.waiting;
    if (next === undefined) {
      this.free++;
      return;
    }
    this.waiting.delete(next);
    next.set();
  }

  protected gone(turn: Event): void {
    this.waiting.delete(turn);
  }
}

/** And what it is given then, it gives back. */
export class MendedPool extends HalfMendedPool {
  protected override gone(turn: Event): void {
    super.gone(turn);
    if (turn.isSet) this.giveBack();
  }
}

/** Three workers share two connections; afterwards both must be free. */
export async function work(pool: Pool): Promise<void> {
  await taskGroup((group) => {
    for (const name of ["one", "two", "three"]) {
      group.spawn(
        async () => {
          await pool.take();
          try {
            await sleep(10);
          } finally {
            pool.giveBack();
          }
        },
        { name },
      );
    }
  });
}

/** Makes what it does not have. */
export interface Cache {
  readonly made: number;
  get(key: string): Promise<string>;
}

/** Looks, waits for a permit, and does not look again. */
export class RacyCache implements Cache {
  made = 0;
  readonly #known = new Map<string, string>();
  readonly #permits = new Semaphore(4);

  async get(key: string): Promise<string> {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = await this.#permits.run(() => `${key} ${++this.made}`);
    this.#known.set(key, value);
    return value;
  }
}

/** Keeps the promise, and so has it before it waits. */
export class MendedCache implements Cache {
  made = 0;
  readonly #known = new Map<string, Promise<string>>();
  readonly #permits = new Semaphore(4);

  get(key: string): Promise<string> {
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#permits.run(() => `${key} ${++this.made}`);
      this.#known.set(key, known);
    }
    return known;
  }
}

/** Two callers ask for the same, the second a moment later. It must be made once. */
export async function askTwice(cache: Cache): Promise<void> {
  const answers = new Set<string>();
  await taskGroup((group) => {
    group.spawn(async () => answers.add(await cache.get("page")));
    group.spawn(async () => {
      await checkpoint();
      answers.add(await cache.get("page"));
    });
  });
  if (cache.made !== 1) throw new Error(`made ${cache.made} times`);
}
