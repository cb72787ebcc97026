import { wrong } from "./check.ts";

/** Bytes that come piece by piece. Strings are sent as UTF-8. */
export type ByteSource = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** A body to send. */
export type BodyInput = string | Uint8Array | ArrayBuffer | URLSearchParams | ByteSource;

/** A body as it goes out. */
export interface OutgoingBody {
  /** Whole, or in pieces that are asked for one by one. */
  readonly content: string | Uint8Array | ByteSource;
  readonly contentType: string | undefined;
  /** The length, where it is known but the content goes in pieces. */
  readonly length: number | undefined;
  /** Whether a `content` in pieces gives the same again when it is iterated again. @default false */
  readonly isRepeatable?: boolean;
}

/** Longer bodies go in pieces: then silence in the middle is noticed, and `headersMs` counts from their end. */
const pieceBytes = 64 * 1024;

/** @throws {TypeError} `json` has no JSON form */
export function jsonBody(value: unknown): OutgoingBody {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(wrong("json", "a value that JSON can hold", value));
  return { ...textBody(text), contentType: "application/json" };
}

/** @throws {TypeError} `body` is nothing that can be sent */
export function encodeBody(body: BodyInput): OutgoingBody {
  if (typeof body === "string") return textBody(body);
  if (body instanceof URLSearchParams) {
    return { ...textBody(body.toString()), contentType: "application/x-www-form-urlencoded;charset=UTF-8" };
  }
  if (body instanceof ArrayBuffer) return bytesBody(new Uint8Array(body));
  if (body instanceof Uint8Array) return bytesBody(body);
  if (isByteSource(body)) return { content: body, contentType: undefined, length: undefined };
  throw new TypeError(
    wrong("body", "a string, bytes, URLSearchParams or an iterable of bytes (see `json` for values)", body),
  );
}

function textBody(text: string): OutgoingBody {
  const contentType = "text/plain;charset=UTF-8";
  if (text.length <= pieceBytes) return { content: text, contentType, length: undefined };
  return { ...bytesBody(Buffer.from(text)), contentType };
}

function bytesBody(bytes: Uint8Array): OutgoingBody {
  if (bytes.length <= pieceBytes) return { content: bytes, contentType: undefined, length: undefined };
  const content = { [Symbol.iterator]: () => pieces(bytes) };
  return { content, contentType: undefined, length: bytes.length, isRepeatable: true };
}

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function isByteSource(body: unknown): body is ByteSource {
  return (
    typeof body === "object" &&
    body !== null &&
    (Symbol.asyncIterator in body || Symbol.iterator in body) &&
    !Array.isArray(body)
  );
}
