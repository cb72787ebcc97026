import type { Source } from "../../flow/index.ts";

/** A chunk is to take about so long, in milliseconds. */
const chunkMs = 5;
const maxChunk = 16_384;
/** So many chunks for each thread are left for the end, so that all end at about the same time. */
const chunksAtEnd = 4;

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
  const sizeAfter = (taken: number): number => size ?? sizeNow(averageMs(), (total - taken) / (threads * chunksAtEnd));
  const chunker = new Chunker<T>(sizeAfter);
  return isAsync(items) ? asyncChunks(items, chunker) : syncChunks(items, chunker);
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
function sizeNow(averageMs: number | undefined, fairShare: number): number {
  if (averageMs === undefined) return 1;
  return Math.max(1, Math.floor(Math.min(chunkMs / averageMs, fairShare, maxChunk)));
}
