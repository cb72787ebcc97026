import { Link, LinkedList, type Limiter, type Permit, type PermitReport } from "../core/index.ts";
import { OncePermit, discard } from "./internal/once-permit.ts";
import { runWithPermit } from "./run-with-permit.ts";

/** What a keyed limiter is doing. */
export interface KeyedLimiterStatistics {
  /** Keys that are remembered: those in use, and those whose limiter still matters. */
  readonly keys: number;
  /** Permits out, and callers waiting, of all keys. */
  readonly inUse: number;
}

/** A key that is remembered. */
class Entry<K> extends Link {
  readonly key: K;
  readonly limiter: Limiter;
  /** Permits out, and callers waiting. */
  users = 0;

  constructor(key: K, limiter: Limiter) {
    super();
    this.key = key;
    this.limiter = limiter;
  }

  get isIdle(): boolean {
    return this.users === 0 && (this.limiter.isIdle ?? true);
  }
}

/** So many other keys are looked at when a permit comes back: with one it would not get smaller while new ones come. */
const lookAtKeys = 2;

/**
 * A limiter for each key: each host, each tenant. `keyed.for(key)` is the limiter of one.
 *
 * A key is forgotten when nobody uses it and its limiter is idle: a semaphore at once, a rate limiter when all that may
 * pass at once may pass again, a circuit breaker when its failures are long ago, an adaptive limiter ten minutes after
 * it last learned something. Limiters of one's own say so by `isIdle`. Keys are looked through a few at a time, as
 * permits come back.
 *
 * @example
 * ```ts
 * import { KeyedLimiter, Semaphore } from "taskwright";
 *
 * const perHost = new KeyedLimiter<string>(() => new Semaphore(2));
 * await perHost.for("example.com").run(() => console.log(perHost.statistics().keys)); // => 1
 * console.log(perHost.statistics().keys); // => 0
 * ```
 */
export class KeyedLimiter<K> {
  readonly #make: (key: K) => Limiter;
  readonly #entries = new Map<K, Entry<K>>();
  /** The same, the one looked at longest ago first. */
  readonly #toLookAt = new LinkedList<Entry<K>>();
  #inUse = 0;

  /** @param make - makes the limiter of a key that is not remembered */
  constructor(make: (key: K) => Limiter) {
    this.#make = make;
  }

  /**
   * The limiter of `key`. May be kept for any time: it finds what is remembered of the key.
   *
   * @param key - keys are told apart as by a Map
   */
  for(key: K): Limiter {
    return new LimiterOfKey(key, this);
  }

  /** What the limiters are doing right now. */
  statistics(): KeyedLimiterStatistics {
    return Object.freeze({ keys: this.#entries.size, inUse: this.#inUse });
  }

  /** @internal */
  async acquire(key: K, n: number | undefined): Promise<Permit> {
    const entry = this.#enter(key);
    try {
      return new KeyedPermit(await entry.limiter.acquire(n), () => this.#leave(entry));
    } catch (error) {
      this.#leave(entry);
      throw error;
    }
  }

  /** @internal */
  tryAcquire(key: K, n: number | undefined): Permit | undefined {
    const entry = this.#enter(key);
    let permit: Permit | undefined;
    try {
      permit = entry.limiter.tryAcquire(n);
    } finally {
      if (permit === undefined) this.#leave(entry);
    }
    return permit && new KeyedPermit(permit, () => this.#leave(entry));
  }

  /** @internal */
  isIdle(key: K): boolean {
    return this.#entries.get(key)?.isIdle ?? true;
  }

  #enter(key: K): Entry<K> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = new Entry(key, this.#make(key));
      this.#entries.set(key, entry);
      this.#toLookAt.push(entry);
    }
    entry.users++;
    this.#inUse++;
    return entry;
  }

  #leave(entry: Entry<K>): void {
    entry.users--;
    this.#inUse--;
    this.#forgetIfIdle(entry);
    for (let count = 0; count < lookAtKeys; count++) {
      const next = this.#toLookAt.head;
      if (next === null) return;
      this.#toLookAt.remove(next);
      this.#toLookAt.push(next);
      this.#forgetIfIdle(next);
    }
  }

  #forgetIfIdle(entry: Entry<K>): void {
    if (!entry.isIdle) return;
    this.#toLookAt.remove(entry);
    this.#entries.delete(entry.key);
  }
}

class LimiterOfKey<K> implements Limiter {
  readonly #key: K;
  readonly #keyed: KeyedLimiter<K>;

  constructor(key: K, keyed: KeyedLimiter<K>) {
    this.#key = key;
    this.#keyed = keyed;
  }

  acquire(n?: number): Promise<Permit> {
    return this.#keyed.acquire(this.#key, n);
  }

  tryAcquire(n?: number): Permit | undefined {
    return this.#keyed.tryAcquire(this.#key, n);
  }

  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return runWithPermit(this, fn);
  }

  get isIdle(): boolean {
    return this.#keyed.isIdle(this.#key);
  }
}

/** The permit of a key's limiter, whose release is also looked at from outside. */
class KeyedPermit extends OncePermit {
  readonly #permit: Permit;
  readonly #onRelease: () => void;

  constructor(permit: Permit, onRelease: () => void) {
    super();
    this.#permit = permit;
    this.#onRelease = onRelease;
  }

  override report(report: PermitReport): void {
    this.#permit.report(report);
  }

  protected override giveBack(): void {
    this.#permit.release();
    this.#onRelease();
  }

  protected override giveBackUnused(): void {
    discard(this.#permit);
    this.#onRelease();
  }
}
