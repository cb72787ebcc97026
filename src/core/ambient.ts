/**
 * Which scope the running code belongs to, carried by the platform's async context.
 *
 * `AsyncLocalStorage.run` builds a Map on the way in and another on the way out: 156 ns, and some 200 bytes that live
 * as long as the task. Node keeps the context of the moment in one slot that may hold any object answering `has` and
 * `get`, so here the scope itself goes into that slot: 25 ns, nothing allocated (Node 24 and 26, 2 cores). The slot is
 * reached through the property in which an AsyncResource keeps the context it captured. That property is not
 * documented; it is looked for and tried out when this file loads, and where anything about it differs, plain
 * `AsyncLocalStorage.run` takes over. The tests of the core run both ways.
 */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import type { Bindings } from "./context-var.ts";
import type { ScopeNode } from "./scope.ts";

const storage = new AsyncLocalStorage<Frame>({ name: "taskwright" });

/** What the platform keeps for everybody's AsyncLocalStorage: a Map from storage to value. */
type PlatformFrame = Map<unknown, unknown>;
type Captured = AsyncResource & Record<symbol, unknown>;

/** Undefined where the platform is not as expected, or the tests ask for the plain way. */
const slot: symbol | undefined = process.env["TASKWRIGHT_CONTEXT"] === "storage" ? undefined : findSlot();

/**
 * Whether the last lookup found one of our frames in the slot itself, rather than in a Map that another
 * AsyncLocalStorage has put there. Set by the lookup, so that opening a scope needs only one, and captures nothing.
 */
let isInSlot = false;

/** Marks the frames of every copy of this package. */
const brand: symbol = Symbol.for("taskwright:frame");

/** What the async context holds for us: a scope, and the context variables bound around it. */
export abstract class Frame {
  /** The scope that code in this frame belongs to. */
  abstract readonly scope: ScopeNode;
  /** The context variables bound here. */
  readonly bindings: Bindings | undefined;
  /** What other AsyncLocalStorages held where this frame was made. Never a frame, so lookups stay short. */
  readonly base: PlatformFrame | undefined;

  static {
    Object.defineProperty(this.prototype, brand, { value: true });
  }

  /** @param bindings - those of the running code if left out */
  constructor(bindings?: Bindings) {
    isInSlot = false;
    const around = storage.getStore();
    this.bindings = bindings ?? around?.bindings;
    this.base = isInSlot ? around!.base : foreignFrame();
  }

  // What the platform calls on a context: two to look up, one to copy, one for AsyncLocalStorage.disable().

  has(key: unknown): boolean {
    return key === storage || (this.base !== undefined && this.base.has(key));
  }

  get(key: unknown): unknown {
    if (key !== storage) return this.base?.get(key);
    isInSlot = true;
    return this;
  }

  *[Symbol.iterator](): Generator<[unknown, unknown]> {
    if (this.base !== undefined) for (const entry of this.base) if (entry[0] !== storage) yield entry;
    yield [storage, this];
  }

  disable(key: unknown): void {
    this.base?.delete(key);
  }
}

/** The frame of the running code, or undefined outside everything of ours. */
export function currentFrame(): Frame | undefined {
  return storage.getStore();
}

/** Carries a frame into the slot: `runInAsyncScope` puts there what it finds under the key. */
const door = new AsyncResource("TASKWRIGHT") as Captured;

type Enter = <A, B, R>(frame: Frame, fn: (a: A, b: B) => R, a: A, b: B) => R;

/** Calls `fn(a, b)` inside `frame`; what it awaits goes on inside. The caller's own context is back on return. */
export const enter: Enter = slot === undefined ? (frame, fn, a, b) => storage.run(frame, fn, a, b) : enterBySlot(slot);

/** Calls `fn` outside every task, for timers and sockets that live longer than the task that needed them. */
export const outside: <R>(fn: () => R) => R = slot === undefined ? (fn) => storage.exit(fn) : leaveBySlot(slot);

/**
 * A function to be called later, in which other AsyncLocalStorages hold what they hold now. For functions that enter a
 * frame made now: in the slot, the frame brings them along.
 */
export const keepStores: <F extends (...args: never) => unknown>(fn: F) => F =
  slot === undefined ? (fn) => AsyncLocalStorage.bind(fn) : (fn) => fn;

/** Lets go of the frame entered last, and of all it holds: for when a tree has ended. */
export function forgetLastFrame(): void {
  if (slot !== undefined) door[slot] = undefined;
}

function enterBySlot(key: symbol): Enter {
  return (frame, fn, a, b) => {
    door[key] = frame;
    return door.runInAsyncScope(fn as (this: undefined, a: unknown, b: unknown) => never, undefined, a, b);
  };
}

function leaveBySlot(key: symbol): <R>(fn: () => R) => R {
  return (fn) => {
    door[key] = undefined;
    return door.runInAsyncScope(fn);
  };
}

/** What is in the slot, which is known not to be a frame of this copy of the package. */
function foreignFrame(): PlatformFrame | undefined {
  if (slot === undefined) return undefined;
  const here = (new AsyncResource("TASKWRIGHT") as Captured)[slot] as PlatformFrame | undefined;
  // What is found behind the frame of another copy would look as if it lay in the slot itself.
  return here !== undefined && brand in here ? new Map(here) : here;
}

/** The key under which an AsyncResource keeps its context, if the platform works as this file expects. */
function findSlot(): symbol | undefined {
  const other = new AsyncLocalStorage<number>();
  // Node's Map here is its own, hardened one, and no instance of ours.
  const holdsContext = (resource: Captured, key: symbol): boolean => {
    const value = resource[key] as Partial<PlatformFrame> | undefined;
    return typeof value?.get === "function" && value.get(other) === 1;
  };
  const key = other.run(1, () => {
    const resource = new AsyncResource("TASKWRIGHT") as Captured;
    return Object.getOwnPropertySymbols(resource).find((symbol) => holdsContext(resource, symbol));
  });
  return key !== undefined && slotTakesAnyObject(key) ? key : undefined;
}

function slotTakesAnyObject(key: symbol): boolean {
  const [mine, theirs] = [new AsyncLocalStorage<number>(), new AsyncLocalStorage<number>()];
  const standIn = {
    has: (asked: unknown) => asked === mine,
    get: () => 1,
    [Symbol.iterator]: () => [[mine, 1]][Symbol.iterator](),
  };
  const entrance = new AsyncResource("TASKWRIGHT") as Captured;
  entrance[key] = standIn;
  try {
    const seen = entrance.runInAsyncScope(() => [
      mine.getStore(),
      theirs.getStore(),
      theirs.run(2, () => `${mine.getStore()} ${theirs.getStore()}`),
      mine.getStore(),
    ]);
    return seen.join() === "1,,1 2,1" && mine.getStore() === undefined;
  } catch {
    return false;
  }
}
