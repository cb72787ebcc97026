import { type Probe, type Scope, type Tree, letGo, openTree, runTree } from "../../core/index.ts";
import type { Order } from "./order.ts";
import type { PatienceOptions } from "./patience.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Settings of a {@link VirtualRun}. */
export interface VirtualRunOptions {
  readonly order?: Order;
  readonly probe?: Probe;
  /** When it counts as one that never ends, in milliseconds of virtual time. */
  readonly limitMs?: number;
  /** The same, in waits that went on. Only with an order. */
  readonly limitSteps?: number;
  readonly patience?: PatienceOptions;
}

/** Patience with functions that are run again and again, and so can depend on nothing from outside. */
export const impatient: PatienceOptions = { deadlockMs: 200 };

/** One run of a function as a task tree under virtual time. */
export class VirtualRun {
  readonly clock: VirtualClock;
  readonly tree: Tree;

  constructor(name: string, options: VirtualRunOptions = {}) {
    this.clock = new VirtualClock(options.order, options.patience);
    this.clock.limitMs = options.limitMs ?? Infinity;
    this.clock.limitSteps = options.limitSteps ?? Infinity;
    this.tree = openTree(this.clock, name);
    this.tree.conductor = options.order === undefined ? this.tree.conductor : this.clock;
    this.tree.probe = options.probe ?? this.tree.probe;
  }

  async run<T>(fn: (scope: Scope) => T | PromiseLike<T>): Promise<T> {
    const { clock, tree } = this;
    clock.watch(tree.root);
    const endless = new Promise<never>((_, reject) => {
      clock.onEndless = (what) => {
        this.#abandon();
        reject(new Error(`it did not end: it ${what}`));
      };
    });
    return Promise.race([runTree(tree, fn), endless]);
  }

  /** It would not end. Nothing of it goes on, and nobody waits for it. */
  #abandon(): void {
    const { root } = this.tree;
    this.clock.stop();
    root.close();
    letGo(root);
  }
}
