import type { Source } from "../../flow/index.ts";

/** A chunk is to take about so long, in milliseconds. */
const chunkMs = 5;
const maxChunk = 8_192;
/** So many chunks for each thread are left for the end, so that all end at about the same time ... */
const chunksAtEnd = 4;
/** ... but less work than this, in milliseconds, is not cut up any more: to send a chunk takes longer. */
const leastMs = 0.25;
/** What is left is a small rest if it is no more than this part of what has gone before. */
const smallRest = 1 / 8;

/**
 * Items in chunks, each as large as is right when it is taken. A sync source gives sync chunks: to wait for each of many
 * items takes longer than all else that is done with it here.
 *
 * @param size - of each, or undefined to find it out
 * @param averageMs - how long one item takes; undefined as long as that is not known
 */
export function chunksOf<T>(
  items: Source<T>,
  size: number | undefined,
  threads: number,
  averageMs: () => number | undefined,
): Source<T[]> {
  const total = Array.isArray(items) ? items.length : Infinity;
  const sizeAfter = (taken: number): number => size ?? sizeNow(averageMs(), taken, total - taken, threads);
  if (isPlainArray(items)) return slices(items, sizeAfter);
  const chunker = new Chunker<T>(sizeAfter);
  return isAsync(items) ? asyncChunks(items, chunker) : syncChunks(items, chunker);
}

/** Not of a class of its own, which may be iterated otherwise, and would be made anew by each `slice`. */
function isPlainArray<T>(items: Source<T>): items is T[] {
  return Array.isArray(items) && Object.getPrototypeOf(items) === Array.prototype;
}

/** To take items one by one takes several times as long as all else that is done with them here. */
function* slices<T>(items: readonly T[], sizeAfter: (taken: number) => number): Generator<T[], void, void> {
  for (let from = 0; from < items.length;) {
    const chunk = items.slice(from, from + sizeAfter(from));
    from += chunk.length;
    yield chunk;
  }
}

function isAsync<T>(items: Source<T>): items is AsyncIterable<T> {
  return (items as Partial<AsyncIterable<T>>)[Symbol.asyncIterator] !== undefined;
}

async function* asyncChunks<T>(items: AsyncIterable<T>, chunker: Chunker<T>): AsyncGenerator<T[], void, void> {
  for await (const item of items) if (chunker.isFullWith(item)) yield chunker.take();
  if (!chunker.isEmpty) yield chunker.take();
}

function* syncChunks<T>(items: Iterable<T>, chunker: Chunker<T>): Generator<T[], void, void> {
  for (const item of items) if (chunker.isFullWith(item)) yield chunker.take();
  if (!chunker.isEmpty) yield chunker.take();
}

/** Gathers items. */
class Chunker<T> {
  readonly #sizeAfter: (taken: number) => number;
  #chunk: T[] = [];
  #size = 0;
  #taken = 0;

  /** @param sizeAfter - how large a chunk is to be that begins after so many items */
  constructor(sizeAfter: (taken: number) => number) {
    this.#sizeAfter = sizeAfter;
  }

  get isEmpty(): boolean {
    return this.#chunk.length === 0;
  }

  isFullWith(item: T): boolean {
    if (this.isEmpty) this.#size = this.#sizeAfter(this.#taken);
    return this.#chunk.push(item) >= this.#size;
  }

  take(): T[] {
    const chunk = this.#chunk;
    this.#chunk = [];
    this.#taken += chunk.length;
    return chunk;
  }
}

/** One at a time until it is known how long that takes. */
function sizeNow(averageMs: number | undefined, taken: number, left: number, threads: number): number {
  if (averageMs === undefined) return 1;
  const share = left / threads;
  // Averages may deceive: however little work it seems to be, only a small rest goes to one thread.
  const most = Math.max(share, taken * smallRest);
  const wanted = Math.max(share / chunksAtEnd, Math.min(most, leastMs / averageMs));
  return Math.max(1, Math.floor(Math.min(chunkMs / averageMs, wanted, maxChunk)));
}
