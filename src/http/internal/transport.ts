import { type Limiter, type ScopeNode, checkedScope } from "../../core/index.ts";
import { SessionClosedError } from "../errors.ts";
import { type Exchange, type Order, nameOf } from "./exchange.ts";
import type { Pool } from "./pool.ts";
import type { Slots } from "./slots.ts";
import { Upload } from "./upload.ts";

/** Makes the exchange that waits for what its caller wants of the response. */
export type MakeExchange<T> = (scope: ScopeNode, transport: Transport, order: Order) => Exchange<T>;

/** What carries the requests of a session: slots to be under way, and connections. */
export class Transport {
  readonly pool: Pool;
  readonly slots: Slots;
  readonly #limiter: Limiter | undefined;
  #isClosed = false;

  constructor(pool: Pool, slots: Slots, limiter: Limiter | undefined) {
    this.pool = pool;
    this.slots = slots;
    this.#limiter = limiter;
  }

  /** Lets a request get in line. Throws at once if the session is closed. */
  send<T>(scope: ScopeNode, order: Order, make: MakeExchange<T>): Promise<T> {
    this.#checkOpen(order);
    if (this.#limiter !== undefined) return this.#sendLimited(this.#limiter, order, make);
    const exchange = make(scope, this, order);
    this.slots.enter(exchange);
    return exchange.promise;
  }

  async #sendLimited<T>(limiter: Limiter, order: Order, make: MakeExchange<T>): Promise<T> {
    const { body } = order.wire;
    using cleanup = new DisposableStack();
    if (body instanceof Upload) cleanup.defer(() => body.close());
    const permit = cleanup.use(await limiter.acquire());
    // A permit is received even when the cancellation has come meanwhile.
    const scope = checkedScope();
    this.#checkOpen(order);
    const exchange = make(scope, this, order);
    exchange.permit = permit;
    cleanup.move();
    this.slots.enter(exchange);
    return exchange.promise;
  }

  /** Ends everything, and waits until all sockets are closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.pool.close();
  }

  #checkOpen(order: Order): void {
    if (this.#isClosed) throw new SessionClosedError(nameOf(order));
  }
}
