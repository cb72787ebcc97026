import { Deque, DrivenStream } from "../../core/index.ts";
import type { Call, ItemSink } from "./call.ts";
import { streamWindow } from "./protocol.ts";

/** What a task yields, read here. The worker is told of items that were read, so that it may send others. */
export class TaskStream<T> extends DrivenStream<T> implements ItemSink {
  call: Call | undefined = undefined;
  readonly #run: (sink: ItemSink) => Promise<unknown>;
  readonly #items = new Deque<T>();
  #read = 0;

  /** @param run - calls the task, and returns when it has ended */
  constructor(task: string, run: (sink: ItemSink) => Promise<unknown>) {
    super(`the items of ${task}`);
    this.#run = run;
  }

  came(item: unknown): void {
    this.#items.push(item as T);
    this.deliver();
  }

  protected override async drive(): Promise<void> {
    await this.#run(this);
  }

  protected override get hasReady(): boolean {
    return this.#items.size > 0;
  }

  protected override take(): T {
    const item = this.#items.shift();
    // Told of half a window at a time, the worker has the other half to go on with.
    if (++this.#read >= streamWindow / 2) {
      this.call?.worker?.read(this.call, this.#read);
      this.#read = 0;
    }
    return item;
  }

  protected override async discard(): Promise<void> {
    this.#items.takeAll();
  }
}
