import { breathe } from "../../core/index.ts";

/** What may be written: text, bytes, or pieces of either that come as they are asked for. */
export type Content = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** As much as is worth a write of its own. */
const pieceBytes = 256 * 1024;

/** After so many pieces others may run. */
const piecesInABreath = 16;

/** Whether it is all there already. */
export function isWhole(content: Content): content is string | Uint8Array {
  return typeof content === "string" || content instanceof Uint8Array;
}

/** The content in pieces that are worth writing, small ones joined. */
export function piecesOf(content: Content): AsyncIterable<Uint8Array> {
  if (isWhole(content)) return joined([content]);
  if (typeof content === "object" && content !== null) {
    if (Symbol.asyncIterator in content || Symbol.iterator in content) return joined(content);
  }
  throw new TypeError(
    `Expected \`content\` to be text, bytes, or an iterable of them, got \`${String(content)}\` (${typeof content})`,
  );
}

async function* joined(
  pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  let kept: Uint8Array[] = [];
  let keptBytes = 0;
  let count = 0;
  for await (const piece of pieces) {
    // What never waits must not hold the loop, however long it takes to make a piece.
    if (++count % piecesInABreath === 0) await breathe();
    const bytes = bytesOf(piece);
    kept.push(bytes);
    keptBytes += bytes.length;
    if (keptBytes < pieceBytes) continue;
    yield kept.length === 1 ? bytes : Buffer.concat(kept);
    kept = [];
    keptBytes = 0;
  }
  if (keptBytes > 0) yield Buffer.concat(kept);
}

/** Text in UTF-8. */
export function bytesOf(piece: string | Uint8Array): Uint8Array {
  if (typeof piece === "string") return Buffer.from(piece);
  if (piece instanceof Uint8Array) return piece;
  throw new TypeError(`Expected pieces of content to be text or bytes, got \`${String(piece)}\` (${typeof piece})`);
}
