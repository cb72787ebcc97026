import {
  type Limiter,
  type Permit,
  type PermitReport,
  arrive,
  expectInteger,
  expectMs,
  grant,
  now,
  refuse,
} from "../core/index.ts";
import { CircuitOpenError } from "./errors.ts";
import { ReportedPermit } from "./internal/reported-permit.ts";
import { runWithPermit } from "./run-with-permit.ts";

/** Settings of a {@link CircuitBreaker}. */
export interface CircuitBreakerOptions {
  /** How many failures in a row open the circuit, 1 or more. */
  readonly failureThreshold: number;
  /** How long it stays open before it lets something through on trial, in milliseconds. */
  readonly resetMs: number;
  /** How many may be on trial at once, and must go well for the circuit to close, 1 or more. @default 1 */
  readonly halfOpen?: number;
  /** For messages: what is behind it. */
  readonly name?: string;
}

/** What a circuit breaker is doing. */
export interface CircuitBreakerStatistics {
  /** Whether it lets everything through, nothing, or only as many as may be on trial. */
  readonly state: "closed" | "open" | "half-open";
  /** Failures in a row, while closed. */
  readonly failures: number;
  /** Permits out. */
  readonly inUse: number;
  /** How long it stays open, in milliseconds; 0 if it is not. */
  readonly retryAfterMs: number;
}

/** Where a circuit stands. Each change makes another object, by which a permit knows whether it still matters. */
type State =
  | { readonly kind: "closed"; failures: number }
  | { readonly kind: "open"; readonly untilMs: number }
  /** `onTrial`: permits given that have not failed, or been given up. `succeeded`: those among them that are back. */
  | { readonly kind: "half-open"; onTrial: number; succeeded: number };

/**
 * Refuses at once what would fail anyway: after so many failures in a row, until a trial goes well.
 *
 *     closed ── failureThreshold failures in a row ──> open
 *     open ── resetMs later ──> half-open
 *     half-open ── as many as may be on trial went well ──> closed
 *     half-open ── one failed ──> open
 *
 * `run` and `map` report by themselves; with `acquire`, tell the permit how it went. A permit released without a report,
 * such as that of cancelled work, counts as neither, and a trial may be made again. What was started before the circuit
 * opened does not matter any more.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from "taskwright";
 *
 * const breaker = new CircuitBreaker({ failureThreshold: 2, resetMs: 10_000, name: "billing" });
 * const call = () => breaker.run(() => Promise.reject(new Error("down")));
 * for (let count = 0; count < 3; count++) await call().catch((error) => console.log(error.message));
 * // => down
 * // => down
 * // => the circuit "billing" is open, for another 10 s
 * ```
 */
export class CircuitBreaker implements Limiter {
  readonly #failureThreshold: number;
  readonly #resetMs: number;
  readonly #halfOpen: number;
  readonly #name: string | undefined;
  #state: State = { kind: "closed", failures: 0 };
  #inUse = 0;
  /** When something last failed, in milliseconds of `now()`. */
  #failedAtMs = -Infinity;

  constructor(options: CircuitBreakerOptions) {
    const { failureThreshold, resetMs, halfOpen = 1, name } = options;
    expectInteger("failureThreshold", failureThreshold, 1);
    expectMs("resetMs", resetMs, 0);
    expectInteger("halfOpen", halfOpen, 1);
    if (halfOpen === Infinity) throw new RangeError("Expected `halfOpen` to be finite, got `Infinity` (number)");
    this.#failureThreshold = failureThreshold;
    this.#resetMs = resetMs;
    this.#halfOpen = halfOpen;
    this.#name = name;
  }

  /**
   * A permit at once, or a refusal. Never waits. A weight makes no difference.
   *
   * Cancel: throws if the scope is cancelled.
   *
   * @throws {CircuitOpenError} CIRCUIT_OPEN, with the time left in `retryAfterMs`
   */
  acquire(): Promise<Permit> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    const permit = this.tryAcquire();
    if (permit !== undefined) return grant(scope, permit);
    return Promise.reject(new CircuitOpenError(this.#name, this.#leftMs()));
  }

  tryAcquire(): Permit | undefined {
    const state = this.#now();
    if (state.kind === "open") return undefined;
    if (state.kind === "half-open") {
      if (state.onTrial >= this.#halfOpen) return undefined;
      state.onTrial++;
    }
    this.#inUse++;
    return new ReportedPermit((report) => this.#settle(state, report));
  }

  run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    return runWithPermit(this, fn);
  }

  /** Whether nothing is in use, and there were no failures that still matter: for twice `resetMs` they do. */
  get isIdle(): boolean {
    if (this.#inUse > 0) return false;
    const state = this.#now();
    return (state.kind === "closed" && state.failures === 0) || now() - this.#failedAtMs >= 2 * this.#resetMs;
  }

  /** What the breaker is doing right now. */
  statistics(): CircuitBreakerStatistics {
    const state = this.#now();
    const failures = state.kind === "closed" ? state.failures : 0;
    return Object.freeze({ state: state.kind, failures, inUse: this.#inUse, retryAfterMs: this.#leftMs() });
  }

  /** The state, after the time that has passed. */
  #now(): State {
    if (this.#state.kind === "open" && now() >= this.#state.untilMs) {
      this.#state = { kind: "half-open", onTrial: 0, succeeded: 0 };
    }
    return this.#state;
  }

  #leftMs(): number {
    return this.#state.kind === "open" ? Math.max(0, this.#state.untilMs - now()) : 0;
  }

  /** A permit that was given in `state` is back. */
  #settle(state: State, report: PermitReport | undefined): void {
    this.#inUse--;
    if (state !== this.#state) return;
    if (report === undefined) this.#gaveUp(state);
    else if (report.ok) this.#succeeded(state);
    else this.#failed(state);
  }

  #gaveUp(state: State): void {
    if (state.kind === "half-open") state.onTrial--;
  }

  #succeeded(state: State): void {
    if (state.kind === "closed") state.failures = 0;
    else if (state.kind === "half-open" && ++state.succeeded >= this.#halfOpen) {
      this.#state = { kind: "closed", failures: 0 };
    }
  }

  #failed(state: State): void {
    this.#failedAtMs = now();
    if (state.kind === "closed" && ++state.failures < this.#failureThreshold) return;
    this.#state = { kind: "open", untilMs: this.#failedAtMs + this.#resetMs };
  }
}
