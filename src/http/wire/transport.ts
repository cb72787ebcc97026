import {
  type Limiter,
  type Permit,
  type Scope,
  type ScopeNode,
  cancelScope,
  checkedScope,
  currentScope,
  unschedule,
} from "../../core/index.ts";
import { SessionClosedError } from "../errors.ts";
import { Delay } from "../attempts/delay.ts";
import type { Exchange } from "./exchange.ts";
import { type Order, labelOf, nameOf } from "./order.ts";
import { HostPause } from "../attempts/host-pause.ts";
import type { RequestLimits, SlotLimits } from "../attempts/limits.ts";
import type { Adopted, Host, Pool } from "./pool.ts";
import type { Slots } from "./slots.ts";
import type { HeaderList } from "../request/request-headers.ts";
import { Upload } from "../request/upload.ts";

/** Makes the exchange that waits for what its caller wants of the response. */
export type MakeExchange<T> = (scope: ScopeNode, transport: Transport, order: Order) => Exchange<T>;

/** What carries the requests of a session: slots to be under way, and connections. */
export class Transport {
  readonly pool: Pool;
  readonly slots: Slots;
  readonly #limits: RequestLimits | undefined;
  /** Hosts that asked to be left alone, longest ago first: they are remembered even when nothing is left of them. */
  #paused: Host[] = [];
  #isClosed = false;

  constructor(pool: Pool, slots: Slots, limits: RequestLimits | undefined) {
    this.pool = pool;
    this.slots = slots;
    this.#limits = limits;
  }

  /** Those that have their slot and are being prepared: nothing else knows of them. */
  readonly #preparing = new Set<Exchange<unknown>>();
  /** Those who wait for a permit. */
  readonly #limited = new Set<Scope>();
  /** Those who wait to send again, or to connect again. */
  readonly #delays = new Set<Delay>();

  /** Lets a request get in line. Throws at once if the session is closed. */
  send<T>(scope: ScopeNode, order: Order, make: MakeExchange<T>): Promise<T> {
    this.checkOpen(order);
    if (this.#limits !== undefined) return this.#sendLimited(this.#limits.for(order.origin), order, make);
    const exchange = make(scope, this, order);
    this.slots.enter(exchange);
    return exchange.promise;
  }

  async #sendLimited<T>(limiter: Limiter, order: Order, make: MakeExchange<T>): Promise<T> {
    const { body } = order.wire;
    using cleanup = new DisposableStack();
    if (body instanceof Upload) cleanup.defer(() => body.close());
    const permit = cleanup.use(await this.#permitted(limiter, order));
    // A permit is received even when the cancellation has come meanwhile.
    const scope = checkedScope();
    this.checkOpen(order);
    const exchange = make(scope, this, order);
    exchange.permit = permit;
    cleanup.move();
    this.slots.enter(exchange);
    return exchange.promise;
  }

  /**
   * Calls what an order is to be prepared with, then `sendOut`, unless the exchange is over by then. That is work of its
   * task, so it counts as one more flow of the scope: a flow that waits for something foreign holds virtual time.
   */
  prepare(exchange: Exchange<unknown>, scope: ScopeNode, sendOut: (headers: HeaderList) => void): void {
    this.#preparing.add(exchange);
    scope.flows++;
    const sent = (headers: HeaderList): void => {
      if (exchange.state !== "over") sendOut(headers);
    };
    const end = (): void => {
      scope.flows--;
      this.#preparing.delete(exchange);
    };
    const failed = (error: unknown): void => exchange.fail(error);
    let headers: HeaderList | Promise<HeaderList>;
    try {
      headers = exchange.order.prepare!(exchange.order.wire);
    } catch (error) {
      end();
      return failed(error);
    }
    if (headers instanceof Promise) return void headers.finally(end).then(sent).catch(failed);
    end();
    sent(headers);
  }

  /** Other slots from now on. What is under way goes on. */
  changeSlots(changed: SlotLimits): void {
    this.slots.change(changed.limit, changed.limitPerHost, this.pool.hosts);
    this.#limits?.change(changed);
  }

  /** Sends nothing to the host of `order` for a while, because it answered with `status`. */
  pause(order: Order, forMs: number, status: number): void {
    if (this.#isClosed) return;
    const over = this.#paused.findIndex(({ pause }) => pause?.isOver === false);
    for (const host of this.#paused.splice(0, over === -1 ? Infinity : over)) this.pool.release(host);
    const host = this.pool.host(order.origin);
    this.slots.pause(host, new HostPause(currentScope().tree.clock, forMs, status));
    this.#paused.push(host);
  }

  /**
   * A permit at a time when the host is not paused: who waits for that holds nothing that others could use.
   *
   * @returns undefined if the session is closed
   */
  async #permitted(limiter: Limiter, order: Order): Promise<Permit | undefined> {
    while (!this.#isClosed) {
      const pause = this.#pauseOf(order);
      if (pause !== undefined) {
        const describe = (): string => `${labelOf(order)}: ${pause.describe()}`;
        await this.waitFor(new Delay(checkedScope(), pause.untilMs, describe));
        continue;
      }
      const permit = await this.#acquire(limiter);
      if (this.#pauseOf(order) === undefined) return permit;
      permit?.release();
    }
    return undefined;
  }

  /** @returns undefined if the session was closed meanwhile */
  async #acquire(limiter: Limiter): Promise<Permit | undefined> {
    let permit: Permit | undefined;
    try {
      await cancelScope(async (scope) => {
        this.#limited.add(scope);
        try {
          permit = await limiter.acquire();
        } finally {
          this.#limited.delete(scope);
        }
      });
    } catch (error) {
      permit?.release();
      throw error;
    }
    return permit;
  }

  #pauseOf(order: Order): HostPause | undefined {
    const pause = this.pool.knows(order.origin) ? this.pool.host(order.origin).pause : undefined;
    return pause?.isOver === true ? undefined : pause;
  }

  /**
   * Waits for `delay`, which may end before its time. Cancel: rejects at once.
   *
   * @returns whether the session is still open
   */
  async waitFor(delay: Delay): Promise<boolean> {
    this.#delays.add(delay);
    try {
      await delay.promise;
    } finally {
      this.#delays.delete(delay);
      unschedule(delay);
    }
    return !this.#isClosed;
  }

  /** A connection that came of `order` is no more one of HTTP. Throws if the session is closed. */
  adopt(order: Order, adopted: Adopted): void {
    this.checkOpen(order);
    this.pool.adopt(adopted);
  }

  /** Ends everything, and waits until all sockets are closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const exchange of this.#preparing) exchange.sessionClosed();
    for (const scope of this.#limited) scope.cancel("the session is closed");
    for (const delay of this.#delays) delay.resolve();
    await this.pool.close();
  }

  /** @throws {SessionClosedError} the session is closed */
  checkOpen(order: Order): void {
    if (this.#isClosed) throw new SessionClosedError(nameOf(order));
  }
}
