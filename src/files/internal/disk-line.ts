import {
  type Clock,
  Link,
  LinkedList,
  QueuedWaiter,
  type ScopeNode,
  arrive,
  grant,
  refuse,
  takeFirst,
} from "../../core/index.ts";

/**
 * What takes longer, in milliseconds, may hang. What others do on the threads waits about as long at most, behind ours.
 * Less would be hard to keep: on a machine that is busy a thread is not run for some milliseconds.
 */
const quickMs = 20;

/** Calls for each thread with which the threads need not wait for us. */
const callsPerThread = 4;

/**
 * Who may be with the system, of threads that others need too: names are looked up and bodies are compressed on them.
 *
 * A file system that hangs takes all threads that it is given, so one is left to the others. But threads that wait for
 * work fall asleep, and to wake one takes longer than to read a small file. So as long as calls come back at once, more
 * of them are handed over: one more for each that has come back. As soon as one does not, only as many as leave a
 * thread. A file system is let have them all only if it hangs right after it has answered many calls at once.
 */
export class DiskLine {
  readonly #clock: Clock;
  readonly #waiting = new LinkedList<Turn>();
  /** Those with the system, in the order in which they began. */
  readonly #calls = new LinkedList<DiskCall>();
  /** So many leave a thread. */
  readonly #fewest: number;
  readonly #most: number;
  /** So many may be with the system as long as none of them is slow. */
  #room: number;

  constructor(threads: number, clock: Clock) {
    this.#clock = clock;
    this.#fewest = Math.max(1, threads - 1);
    this.#most = callsPerThread * threads;
    this.#room = this.#fewest;
  }

  /**
   * Waits for a turn, which {@link leave} ends.
   *
   * Cancel: leaves the line.
   */
  enter(what: string): Promise<DiskCall> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#waiting.head === null && this.#hasRoom()) return grant(scope, this.#begin());
    const turn = new Turn(scope, what);
    this.#waiting.push(turn);
    return turn.promise;
  }

  leave(call: DiskCall): void {
    this.#calls.remove(call);
    this.#room = this.#isSlow(call) ? this.#fewest : Math.min(this.#room + 1, this.#most);
    while (this.#hasRoom()) {
      const turn = takeFirst(this.#waiting);
      if (turn === undefined) break;
      turn.resolve(this.#begin());
    }
    // Who comes later may come to another file system.
    if (this.#calls.head === null) this.#room = this.#fewest;
  }

  #hasRoom(): boolean {
    const oldest = this.#calls.head;
    return this.#calls.size < (oldest !== null && this.#isSlow(oldest) ? this.#fewest : this.#room);
  }

  #isSlow(call: DiskCall): boolean {
    return this.#clock.now() - call.startedMs > quickMs;
  }

  #begin(): DiskCall {
    const call = new DiskCall(this.#clock.now());
    this.#calls.push(call);
    return call;
  }
}

/** Something that the system does. */
export class DiskCall extends Link {
  readonly startedMs: number;

  constructor(startedMs: number) {
    super();
    this.startedMs = startedMs;
  }
}

class Turn extends QueuedWaiter<DiskCall> {
  readonly #what: string;

  constructor(scope: ScopeNode, what: string) {
    super(scope);
    this.#what = what;
  }

  /** Those before it may belong to other trees. */
  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `a free thread to ${this.#what}`;
  }
}
