/** What a test of flow functions keeps account of: whatever is begun must end, and every result must end up somewhere. */
import { deepStrictEqual, equal } from "node:assert/strict";
import { checkpoint, shield, sleep } from "../../src/index.ts";

/** A result that has to be disposed by somebody. */
export class Thing implements AsyncDisposable {
  readonly name: number;
  isReceived = false;
  disposals = 0;

  constructor(name: number) {
    this.name = name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await checkpoint();
    this.disposals++;
  }
}

export class Ledger {
  /** What fails here on purpose. */
  readonly error: Error = new Error("no");
  readonly things: Thing[] = [];
  running = 0;
  /** The most that have run at once. */
  peak = 0;
  opened = 0;
  closed = 0;

  /** Runs a piece of work, which has a cleanup that takes its time. */
  async work<T>(body: () => T | Promise<T>): Promise<T> {
    this.peak = Math.max(this.peak, ++this.running);
    try {
      await checkpoint();
      return await body();
    } finally {
      await shield(() => sleep(1));
      this.running--;
    }
  }

  /** Work that makes a thing. If it is cancelled it may give one all the same. */
  make(name: number, ms: number, isStubborn = false): Promise<Thing> {
    return this.work(async () => {
      await sleep(ms).catch((error: unknown) => {
        if (!isStubborn) throw error;
      });
      const thing = new Thing(name);
      this.things.push(thing);
      return thing;
    });
  }

  async fail(ms: number): Promise<never> {
    await this.work(() => sleep(ms));
    throw this.error;
  }

  /** A source whose cleanup waits, outside the cancellation if it can. */
  async *source(count: number, ms = 0): AsyncGenerator<number, void, void> {
    this.opened++;
    try {
      for (let n = 0; n < count; n++) {
        await (ms === 0 ? checkpoint() : sleep(ms));
        yield n;
      }
    } finally {
      await shield(() => sleep(1));
      this.closed++;
    }
  }

  /** A source of things. */
  async *flowOf(count: number, ms = 0): AsyncGenerator<Thing, void, void> {
    for await (const name of this.source(count, ms)) {
      const thing = new Thing(name);
      this.things.push(thing);
      yield thing;
    }
  }

  receive(thing: Thing): number {
    equal(thing.isReceived, false, `${thing.name} came twice`);
    thing.isReceived = true;
    return thing.name;
  }

  /** When all is over: nothing runs, every source is closed, and each thing was received, or disposed once. */
  close(): void {
    equal(this.running, 0, "work still runs");
    equal(this.closed, this.opened, "a source was not closed");
    const astray = this.things.filter((thing) => thing.disposals !== (thing.isReceived ? 0 : 1));
    deepStrictEqual(astray, []);
  }
}
