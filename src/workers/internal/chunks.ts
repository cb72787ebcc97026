import type { Source } from "../../flow/index.ts";

/** A chunk is to take about so long, in milliseconds. */
const chunkMs = 5;
const maxChunk = 4_096;
/** So many chunks for each thread are left for the end, so that all end at about the same time. */
const chunksAtEnd = 4;

/**
 * Items in chunks, each as large as is right when it is taken.
 *
 * @param size - of each, or undefined to find it out
 * @param averageMs - how long one item takes; undefined as long as that is not known
 */
export async function* chunksOf<T>(
  items: Source<T>,
  size: number | undefined,
  threads: number,
  averageMs: () => number | undefined,
): AsyncGenerator<T[], void, void> {
  const total = Array.isArray(items) ? items.length : Infinity;
  let taken = 0;
  let chunk: T[] = [];
  let wanted = 0;
  for await (const item of items) {
    if (chunk.length === 0) wanted = size ?? sizeNow(averageMs(), (total - taken) / (threads * chunksAtEnd));
    chunk.push(item);
    if (chunk.length < wanted) continue;
    taken += chunk.length;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** One at a time until it is known how long that takes. */
function sizeNow(averageMs: number | undefined, fairShare: number): number {
  if (averageMs === undefined) return 1;
  return Math.max(1, Math.floor(Math.min(chunkMs / averageMs, fairShare, maxChunk)));
}
