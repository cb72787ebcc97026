import { type Clock, Timer } from "../../core/index.ts";
import type { PostgresConnection } from "./postgres-connection.ts";

/** A connection on its way to those in line: being opened, or checked. */
export class PoolOpening {
  readonly isNew: boolean;
  readonly #work: (self: PoolOpening) => Promise<PostgresConnection | undefined>;
  readonly #ended = Promise.withResolvers<void>();
  onGiveUp: (() => void) | undefined = undefined;

  constructor(work: (self: PoolOpening) => Promise<PostgresConnection | undefined>, isNew = false) {
    this.#work = work;
    this.isNew = isNew;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async run(): Promise<PostgresConnection | undefined> {
    return await this.#work(this);
  }

  hasEnded(): void {
    this.#ended.resolve();
  }

  giveUp(): void {
    this.onGiveUp?.();
  }

  async pause(clock: Clock, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = new Timer(resolve);
    clock.schedule(clock.now() + ms, timer);
    this.onGiveUp = () => {
      timer.cancel();
      resolve();
    };
    await promise;
  }
}
