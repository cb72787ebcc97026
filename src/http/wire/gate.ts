import { type Limiter, type Permit, type ScopeNode, Waiter, arrive, refuse } from "../../core/index.ts";
import { OncePermit, runWithPermit } from "../../sync/index.ts";
import { type Job, Lane, Slots } from "./slots.ts";

/**
 * What requests pass before they wait for a permit that is not for their host alone: so many in all and for each host, of
 * which those hosts take turns, as with the slots that come after it. Otherwise those of one host would fill the line.
 */
export class Gate {
  readonly #slots: Slots;
  /** Of hosts that have somebody within, or in line. */
  readonly #lanes = new Map<string, Lane>();

  constructor(limit: number, limitPerHost: number) {
    this.#slots = new Slots(limit, limitPerHost);
  }

  /** The limiter of one host. */
  for(origin: string): Limiter {
    return new LaneLimiter(this, origin);
  }

  /** Other limits from now on. Who is within stays, also where that is more than they allow. */
  change(limit: number, limitPerHost: number): void {
    this.#slots.change(limit, limitPerHost, this.#lanes.values());
  }

  /** Cancel: leaves the line. */
  acquire(origin: string): Promise<Permit> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    const waiter = new PlaceWaiter(scope, this, origin, this.#lane(origin));
    this.#slots.enter(waiter);
    return waiter.promise;
  }

  tryAcquire(origin: string): Permit | undefined {
    const lane = this.#lane(origin);
    const isTaken = this.#slots.tryTake(lane);
    this.#forgetIfUnused(origin, lane);
    return isTaken ? new Place(() => this.leave(origin, lane)) : undefined;
  }

  leave(origin: string, lane: Lane): void {
    this.#slots.leave(lane);
    this.#forgetIfUnused(origin, lane);
  }

  withdraw(origin: string, waiter: Job): void {
    this.#slots.withdraw(waiter);
    this.#forgetIfUnused(origin, waiter.host);
  }

  #lane(origin: string): Lane {
    let lane = this.#lanes.get(origin);
    if (lane === undefined) this.#lanes.set(origin, (lane = new Lane()));
    return lane;
  }

  #forgetIfUnused(origin: string, lane: Lane): void {
    if (lane.isUnused) this.#lanes.delete(origin);
  }
}

/** A gate, for the requests to one host. */
class LaneLimiter implements Limiter {
  readonly #gate: Gate;
  readonly #origin: string;

  constructor(gate: Gate, origin: string) {
    this.#gate = gate;
    this.#origin = origin;
  }

  acquire(): Promise<Permit> {
    return this.#gate.acquire(this.#origin);
  }

  tryAcquire(): Permit | undefined {
    return this.#gate.tryAcquire(this.#origin);
  }

  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return runWithPermit(this, fn);
  }
}

/** The wait for a place. */
class PlaceWaiter extends Waiter<Permit> implements Job {
  readonly host: Lane;
  readonly #gate: Gate;
  readonly #origin: string;

  constructor(scope: ScopeNode, gate: Gate, origin: string, host: Lane) {
    super(scope);
    this.host = host;
    this.#gate = gate;
    this.#origin = origin;
  }

  describe(): string {
    return `a turn for ${this.#origin} (${this.host.active} in use)`;
  }

  start(): void {
    this.resolve(new Place(() => this.#gate.leave(this.#origin, this.host)));
  }

  /** Its scope is cancelled then. */
  sessionClosed(): void {}

  protected override leave(): void {
    this.#gate.withdraw(this.#origin, this);
  }
}

class Place extends OncePermit {
  readonly #leave: () => void;

  constructor(leave: () => void) {
    super();
    this.#leave = leave;
  }

  protected override giveBack(): void {
    this.#leave();
  }
}
