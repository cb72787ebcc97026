import {
  type CancelReason,
  Crew,
  Deque,
  DrivenStream,
  type ScopeNode,
  type TaskOwner,
  openScope,
  spawn,
} from "../core/index.ts";
import { disposeDiscarded } from "./internal/dispose.ts";
import { DrivenSource } from "./internal/driven-source.ts";
import { Room } from "./internal/room.ts";
import { ownFailure } from "./outcome.ts";
import type { Source } from "./source.ts";

/** What a source gives. */
export type ItemOf<S> = S extends Source<infer T> ? T : never;

/** The items of {@link merge}. To be read once. */
export type MergedStream<T> = AsyncGenerator<T, void, void>;

/**
 * Yields the items of several sources as they come.
 *
 * Fair: each source is read one item ahead and no further, and waiting items go in the order in which they came, so that
 * no source can crowd out another. The first error of a source closes the others; items that were read are yielded
 * before it is thrown. The stream belongs to the scope in which its first item is asked for. Leaving the loop closes all
 * sources, and disposes of items that were read and not yet given, if they are disposable.
 *
 * Cancel: closes all sources before the cancellation goes on. Nothing is lost: items that were read can still be asked
 * for, in a `shield`.
 *
 * @param sources - sync or async iterables
 *
 * @example
 * ```ts
 * import { merge, sleep } from "taskwright";
 *
 * async function* every(ms: number, name: string): AsyncGenerator<string> {
 *   for (let n = 1; n <= 2; n++) {
 *     await sleep(ms);
 *     yield `${name}${n}`;
 *   }
 * }
 * const items = await Array.fromAsync(merge(every(400, "a"), every(300, "b")));
 * console.log(items.join()); // => b1,a1,b2,a2
 * ```
 */
export function merge<S extends readonly Source<unknown>[]>(...sources: S): MergedStream<ItemOf<S[number]>> {
  return new Merged(sources) as DrivenStream<unknown> as MergedStream<ItemOf<S[number]>>;
}

/** An item that was read, and where its source waits for it to be taken. */
interface Held {
  readonly item: unknown;
  readonly room: Room;
}

class Merged extends DrivenStream<unknown> implements TaskOwner {
  readonly #sources: readonly Source<unknown>[];
  readonly #ready = new Deque<Held>();
  /** Those that are open, and where each waits. */
  readonly #open = new Map<DrivenSource<unknown>, Room>();
  /** The scope of the tasks that read, one for each source. */
  #readers: ScopeNode | undefined;
  #isStopped = false;

  constructor(sources: readonly Source<unknown>[]) {
    super("merge", { keepsUnread: true });
    this.#sources = sources;
  }

  taskFailed(_name: string, error: unknown): void {
    this.#fail(error);
  }

  taskCancelled(): void {
    this.cutBy(this.#readers!.cancelled!);
  }

  protected override async drive(): Promise<void> {
    const readers = openScope("sources");
    readers.crew = new Crew(readers, this);
    this.#readers = readers;
    for (const [index, source] of this.#sources.entries()) {
      spawn(readers, (scope) => this.#read(source, scope as ScopeNode), { name: `source ${index}` });
    }
    while (readers.hasTasks) await readers.crew.drain();
    readers.close();
  }

  protected override stop(reason: CancelReason): void {
    this.#isStopped = true;
    for (const [source, room] of this.#open) {
      source.stop(reason);
      room.close();
    }
  }

  async #read(items: Source<unknown>, scope: ScopeNode): Promise<void> {
    if (this.#isStopped) return;
    const source = new DrivenSource(items);
    const room = new Room("a reader of merge");
    this.#open.set(source, room);
    try {
      await source.read((item) => {
        if (this.handOver(item)) return undefined;
        this.#ready.push({ item, room });
        return room.wait(scope);
      });
    } catch (error) {
      this.#fail(ownFailure(scope, error));
    }
    this.#open.delete(source);
    await source.close();
  }

  /** The first failure stops the others. */
  #fail(error: unknown): void {
    if (this.failed(error, this.#readers!)) this.stop({ kind: "sibling-failed", task: "a source of merge", error });
  }

  protected override get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  protected override take(): unknown {
    const { item, room } = this.#ready.shift();
    room.open();
    return item;
  }

  protected override async discard(): Promise<void> {
    for (const { item } of this.#ready.takeAll()) await disposeDiscarded(item);
  }
}
