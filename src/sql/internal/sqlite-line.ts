import { LinkedList, QueuedWaiter, type ScopeNode, arrive, grant, refuse, takeAll } from "../../core/index.ts";
import { DatabaseClosedError } from "../errors.ts";
import type { SqliteThread } from "./sqlite-thread.ts";

/** So many statements are with a thread at once: enough that they share messages, few enough that others can leave the line. */
const together = 32;

/** A connection, and who is at it: several statements that have nothing to do with each other, or one alone. */
export class Desk {
  readonly thread: SqliteThread;
  statements = 0;
  isHeld = false;
  /** The scope in which it is held, if it is one: what waits in there waits for ever. */
  holder: ScopeNode | undefined = undefined;

  constructor(thread: SqliteThread) {
    this.thread = thread;
  }

  get isFree(): boolean {
    return this.statements === 0 && !this.isHeld;
  }
}

/**
 * Connections that are as good as each other, and the line before them, first come, first served.
 *
 * Statements go to a thread together. Who needs a connection alone waits until those at one of them are through; nobody
 * passes by meanwhile.
 */
export class SqliteLine {
  readonly #name: string;
  readonly #max: number;
  readonly #open: () => SqliteThread;
  readonly #waiting = new LinkedList<DeskWaiter>();
  #desks: Desk[] = [];
  #isClosed = false;

  constructor(name: string, max: number, open: () => SqliteThread) {
    this.#name = name;
    this.#max = max;
    this.#open = open;
  }

  get label(): string {
    return this.#name;
  }

  get threads(): SqliteThread[] {
    return this.#desks.map(({ thread }) => thread);
  }

  /** Whether each is held by somebody alone. */
  get isAllHeld(): boolean {
    return this.#desks.length === this.#max && this.#desks.every(({ isHeld }) => isHeld);
  }

  statistics(): { readonly connections: number; readonly inUse: number; readonly waiting: number } {
    const inUse = this.#desks.filter(({ isFree }) => !isFree).length;
    return { connections: this.#desks.length, inUse, waiting: this.#waiting.size };
  }

  /**
   * Waits for a connection, alone or for a statement. To be given back with {@link leave}.
   *
   * Cancel: leaves the line.
   */
  enter(isAlone: boolean): Promise<Desk> {
    const scope = arrive(this);
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#isClosed) return Promise.reject(new DatabaseClosedError(this.#name));
    const desk = this.#waiting.size === 0 ? this.#find(isAlone) : undefined;
    if (desk !== undefined) return grant(scope, this.#give(desk, isAlone));
    if (this.#isHeldAround(scope)) {
      return Promise.reject(
        new TypeError("Inside a transaction, use the object that its function was given: this one waits for it"),
      );
    }
    const waiter = new DeskWaiter(scope, this, isAlone);
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  leave(desk: Desk): void {
    if (desk.isHeld) {
      desk.isHeld = false;
      desk.holder = undefined;
    } else desk.statements--;
    this.letIn();
  }

  /** @internal Somebody has left a connection, or the line. */
  letIn(): void {
    for (let first = this.#waiting.head; first !== null; first = this.#waiting.head) {
      // It leaves within this turn, and calls here again.
      if (first.isLeaving) return;
      const desk = this.#find(first.isAlone);
      if (desk === undefined) return;
      this.#waiting.remove(first);
      first.resolve(this.#give(desk, first.isAlone));
    }
  }

  /** @internal */
  withdraw(waiter: DeskWaiter): void {
    this.#waiting.remove(waiter);
    this.letIn();
  }

  /** @internal */
  describeWait(waiter: DeskWaiter): string {
    let place = 1;
    for (let { before } = waiter; before !== null; before = before.before) place++;
    return `${this.#name}, ${place} of ${this.#waiting.size} in line`;
  }

  /** Lets nobody in any more. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of takeAll(this.#waiting)) waiter.reject(new DatabaseClosedError(this.#name));
  }

  #find(isAlone: boolean): Desk | undefined {
    this.#desks = this.#desks.filter((desk) => !desk.thread.isLost || !desk.isFree);
    let best: Desk | undefined;
    for (const desk of this.#desks) {
      if (desk.isFree && !desk.thread.isLost) return desk;
      if (isAlone || desk.isHeld || desk.thread.isLost || desk.statements >= together) continue;
      if (best === undefined || desk.statements < best.statements) best = desk;
    }
    if (this.#desks.length === this.#max) return best;
    const opened = new Desk(this.#open());
    this.#desks.push(opened);
    return opened;
  }

  #give(desk: Desk, isAlone: boolean): Desk {
    if (isAlone) desk.isHeld = true;
    else desk.statements++;
    return desk;
  }

  #isHeldAround(scope: ScopeNode): boolean {
    return this.#desks.every(({ holder }) => holder !== undefined && scope.isWithin(holder));
  }
}

class DeskWaiter extends QueuedWaiter<Desk> {
  readonly isAlone: boolean;
  readonly #line: SqliteLine;

  constructor(scope: ScopeNode, line: SqliteLine, isAlone: boolean) {
    super(scope);
    this.#line = line;
    this.isAlone = isAlone;
  }

  protected override leave(): void {
    this.#line.withdraw(this);
  }

  describe(): string {
    return this.#line.describeWait(this);
  }
}
