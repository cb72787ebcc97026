import { type Probe, type Scope, type Tree, letGo, openTree, runTree } from "../../core/index.ts";
import type { Order } from "./order.ts";
import { Patience, type PatienceOptions } from "./patience.ts";
import { type ResourceAllowance, ResourceWatch } from "./resources.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Settings of a {@link VirtualRun}. */
export interface VirtualRunOptions {
  readonly order?: Order;
  readonly probe?: Probe;
  /** How many waits may go on before it counts as a run that never ends. Only with an order. */
  readonly limitSteps?: number;
  /** Whether to fail soon where time is held for long: the function can depend on nothing from outside. */
  readonly isImpatient?: boolean;
  readonly patience?: PatienceOptions;
  /** What there may be of sockets and the like; more keeps a deadlock from being told, and is a leak. */
  readonly allowed?: ResourceAllowance | undefined;
}

/**
 * The patience of an impatient run, in milliseconds of real time. To be held is an error there, not a warning: so it
 * lasts as long as a thread or a process may take to start on a machine that has ten times as much to do as it can.
 */
const impatience = { deadlockMs: 200, heldMs: 10_000 };

/** One run of a function as a task tree under virtual time. */
export class VirtualRun implements Disposable {
  readonly clock: VirtualClock;
  readonly tree: Tree;
  readonly resources: ResourceWatch;
  readonly #patience: Patience;

  constructor(name: string, options: VirtualRunOptions = {}) {
    this.clock = new VirtualClock(options.order);
    this.clock.limitSteps = options.limitSteps ?? Infinity;
    this.tree = openTree(this.clock, name);
    if (options.order !== undefined) this.tree.conductor = this.clock;
    this.tree.probe = options.probe ?? this.tree.probe;
    this.resources = new ResourceWatch(this.tree.root, options.allowed);
    const fail = (what: string): void => this.clock.onEndless?.(what);
    const patience = options.isImpatient === true ? { ...impatience, onHeld: fail } : {};
    this.#patience = new Patience(this.resources, { ...patience, ...options.patience });
  }

  async run<T>(fn: (scope: Scope) => T | PromiseLike<T>): Promise<T> {
    const { clock, tree } = this;
    clock.watch(tree.root, this.#patience);
    const endless = new Promise<never>((_, reject) => {
      clock.onEndless = (what) => {
        this.#abandon();
        reject(new Error(`it did not end: ${what}`));
      };
    });
    return Promise.race([runTree(tree, fn), endless]);
  }

  [Symbol.dispose](): void {
    this.resources[Symbol.dispose]();
  }

  /** It would not end. Nothing of it goes on, and nobody waits for it. */
  #abandon(): void {
    const { root } = this.tree;
    this.clock.stop();
    root.close();
    letGo(root);
  }
}
