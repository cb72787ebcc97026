/** Where the bytes of bodies come from. */

/** Bytes that come piece by piece. Strings are sent as UTF-8. */
export type ByteSource = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** Bytes of which the length has to be found out first, each time that they are sent. */
export interface UnmeasuredSource {
  measure(): Promise<MeasuredSource>;
}

/** Bytes of which the length is known, if it can be. */
export class MeasuredSource implements AsyncIterable<string | Uint8Array> {
  readonly length: number | undefined;
  readonly #iterate: () => AsyncIterator<string | Uint8Array>;
  readonly #giveUp: (() => void) | undefined;

  /** @param destroy - called if it is not iterated to its end */
  constructor(length: number | undefined, iterate: () => AsyncIterator<string | Uint8Array>, destroy?: () => void) {
    this.length = length;
    this.#iterate = iterate;
    this.#giveUp = destroy;
  }

  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array> {
    return this.#iterate();
  }

  /** It is of no more use. */
  destroy(): void {
    this.#giveUp?.();
  }
}

export function isByteSource(body: unknown): body is ByteSource {
  return (
    typeof body === "object" &&
    body !== null &&
    (Symbol.asyncIterator in body || Symbol.iterator in body) &&
    !Array.isArray(body)
  );
}

export function isUnmeasured(source: unknown): source is UnmeasuredSource {
  return typeof source === "object" && source !== null && "measure" in source;
}

export function isBlob(value: unknown): value is Blob {
  const tag = tagOf(value);
  return tag === "[object Blob]" || tag === "[object File]";
}

export function isForm(value: unknown): value is FormData {
  return tagOf(value) === "[object FormData]";
}

/** In place of instanceof: to name a class of the platform loads it. */
function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value);
}

/** Longer bodies go in pieces: then silence in the middle is noticed, and `headersMs` counts from their end. */
export const pieceBytes: number = 64 * 1024;

export function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** Closes a source that is a stream, whether it was asked for anything or not. A generator that has not begun needs nothing. */
export function giveUp(source: unknown): unknown {
  const { destroy } = source as { destroy?: unknown };
  return typeof destroy === "function" ? destroy.call(source) : undefined;
}
