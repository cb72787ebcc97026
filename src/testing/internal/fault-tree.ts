import { type TaskFunction, type TaskGroup, outside, run, sleep, taskGroup } from "../../core/index.ts";

/**
 * The task tree of a server.
 *
 * It stands outside that of those who test with the server, and is on the real clock: a server is a part of the world, and
 * what it does is not to count among the checkpoints, the waits and the timers under test.
 */
export class ServerTree {
  #group: TaskGroup | undefined;
  readonly #ended: Promise<unknown>;

  constructor(name: string) {
    this.#ended = outside(() => run(() => this.#live(), { signals: false, name }));
  }

  /** Starts a task, which must not fail. */
  spawn(fn: TaskFunction<void>, name: string): void {
    this.#group!.spawn(fn, { name });
  }

  /** Cancels all tasks, and waits until they have ended. */
  async close(): Promise<void> {
    this.#group!.cancel();
    await this.#ended;
  }

  async #live(): Promise<void> {
    await taskGroup(async (group) => {
      this.#group = group;
      await sleep(Infinity);
    });
  }
}
