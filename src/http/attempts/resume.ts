import { ConnectionError, HttpTimeoutError } from "../errors.ts";
import type { WireHeaders } from "../undici.ts";
import type { Order } from "../wire/order.ts";
import type { HeaderList } from "../request/request-headers.ts";

/** How far a body has come, of which the server can send the rest alone. */
export interface Progress {
  /** Of the very bytes: the rest is of use only if it is the same. */
  readonly etag: string;
  /** Where in the whole the body begins, and where it goes on. */
  readonly firstByte: number;
  readonly nextByte: number;
  /** The last byte of the body; undefined if that is not known. */
  readonly lastByte: number | undefined;
}

/** The beginning of a response as it came. */
interface Head {
  readonly order: Order;
  readonly status: number;
  readonly headers: WireHeaders;
}

/** A strong one: a weak one is of bytes that may differ. */
const strongEtag = /^"[\x21\x23-\x7e\x80-\xff]*"$/;
const contentRange = /^bytes (\d+)-(\d+)\/(?:\d+|\*)$/;

/** Whether the rest of a body could be had, if it broke off. */
export function isResumable({ order, headers }: Head): boolean {
  return order.rules?.retry !== undefined && typeof headers["etag"] === "string" && order.wire.method === "GET";
}

/**
 * @param cameBytes - of the body
 * @returns undefined if the rest is not to be had
 */
export function progressOf(head: Head, cameBytes: number): Progress | undefined {
  const { status, headers } = head;
  const { etag, "content-encoding": coding = "identity", "content-length": length } = headers;
  if (!isResumable(head) || typeof etag !== "string" || !strongEtag.test(etag) || coding !== "identity")
    return undefined;
  if (status === 206) {
    const range = rangeOf(headers);
    return range && { etag, firstByte: range.first, nextByte: range.first + cameBytes, lastByte: range.last };
  }
  if (status !== 200 || String(headers["accept-ranges"]).toLowerCase() !== "bytes") return undefined;
  return { etag, firstByte: 0, nextByte: cameBytes, lastByte: length === undefined ? undefined : Number(length) - 1 };
}

function rangeOf({ "content-range": value }: WireHeaders): { first: number; last: number } | undefined {
  const [, first, last] = contentRange.exec(String(value)) ?? [];
  return first === undefined ? undefined : { first: Number(first), last: Number(last) };
}

/** Whether an error is the end of a connection, or its silence, in the middle of a body. */
export function isInterruption(error: unknown): boolean {
  if (error instanceof HttpTimeoutError) return error.phase === "idle";
  return error instanceof ConnectionError && error.phase === "response";
}

/** Headers that {@link rangeOrder} has its own values for, or that would answer another question. */
const replaced = /^(?:range|accept-encoding|if-.*)$/;

/** Asks for the rest, of exactly what has come before. Otherwise the answer is whole. */
export function rangeOrder(order: Order, { etag, nextByte, lastByte }: Progress): Order {
  // Of the attempt that broke off.
  const { prepare: _prepare, recorder: _recorder, partial: _partial, ...rest } = order;
  const headers: HeaderList = order.wire.headers.filter((_, i, all) => !replaced.test(all[i - (i % 2)]!));
  const asking = ["range", `bytes=${nextByte}-${lastByte ?? ""}`, "if-range", etag, "accept-encoding", "identity"];
  return { ...rest, wire: { ...order.wire, headers: [...headers, ...asking] } };
}

/** Whether a response is the rest, all of it, and of the same bytes. */
export function isRest({ status, headers }: Omit<Head, "order">, { etag, nextByte, lastByte }: Progress): boolean {
  const range = rangeOf(headers);
  if (status !== 206 || range === undefined || range.first !== nextByte) return false;
  const { "content-encoding": coding = "identity", "content-length": length, etag: own = etag } = headers;
  if (coding !== "identity" || own !== etag || Number(length) !== range.last - range.first + 1) return false;
  return lastByte === undefined ? endsWhole(headers, range.last) : range.last === lastByte;
}

/** Whether it goes up to the end of the whole. */
function endsWhole({ "content-range": value }: WireHeaders, last: number): boolean {
  return String(value).endsWith(`/${last + 1}`);
}

/** How often a body has been continued, and where it began. */
export interface Resumed {
  readonly times: number;
  readonly firstByte: number;
}

/** The beginning of a whole response, up to where it broke off. */
export interface PartialResponse {
  readonly status: number;
  readonly headers: WireHeaders;
  readonly chunks: readonly Buffer[];
  readonly progress: Progress;
  /** What it broke off with. */
  readonly error: unknown;
}
