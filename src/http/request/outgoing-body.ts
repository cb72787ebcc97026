import { type ByteSource, type UnmeasuredSource, pieceBytes, piecesOf } from "./byte-source.ts";

/** A body as it goes out. */
export interface OutgoingBody {
  /** Whole, or in pieces that are asked for one by one. */
  readonly content: string | Uint8Array | ByteSource | UnmeasuredSource;
  readonly contentType: string | undefined;
  /** Whether the body makes no sense with another type, whatever the headers say. @default false */
  readonly isTypeFixed?: boolean;
  /** The length, where it is known but the content goes in pieces. */
  readonly length: number | undefined;
  /** Whether a `content` in pieces gives the same again when it is iterated again. @default false */
  readonly isRepeatable?: boolean;
}

export function bytesBody(bytes: Uint8Array): OutgoingBody {
  if (bytes.length <= pieceBytes) return { content: bytes, contentType: undefined, length: undefined };
  const content = { [Symbol.iterator]: () => piecesOf(bytes) };
  return { content, contentType: undefined, length: bytes.length, isRepeatable: true };
}
