/** The frames of HTTP/2, RFC 9113, section 4. */
import { NotHttp } from "./fault-connection.ts";
import type { ByteReader } from "./fault-reader.ts";

export const frameTypes = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** What the flags of frames mean. The first bit is either of its two, by the type of the frame. */
export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

/** The longest payload that may be sent to who has not said otherwise. */
export const maxPayloadBytes = 16_384;

const headBytes = 9;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/**
 * @returns undefined at the end
 * @throws {NotHttp} it is longer than allowed
 */
export async function readFrame(reader: ByteReader): Promise<Frame | undefined> {
  const head = await reader.exactly(headBytes);
  if (head === undefined) return undefined;
  const length = head.readUIntBE(0, 3);
  if (length > maxPayloadBytes) throw new NotHttp(`a frame of ${length} bytes`);
  const payload = await reader.exactly(length);
  if (payload === undefined) return undefined;
  return { type: head[3]!, flags: head[4]!, stream: head.readUInt32BE(5) & 0x7fffffff, payload };
}

export function writeFrame(type: number, stream: number, payload: Uint8Array = Buffer.alloc(0), flag = 0): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flag;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Numbers of 32 bits in a row, of which some frames are made. */
export function words(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, index * 4);
  return bytes;
}

/** Lets the client send so much more, on a stream or, as stream 0, on the connection. */
export function moreRoom(stream: number, bytes: number): Buffer {
  return writeFrame(frameTypes.windowUpdate, stream, words(bytes));
}

/** The payload without what frames of headers and of data may have around it. */
export function contentOf({ type, flags: flag, payload }: Frame): Buffer {
  const isPadded = (flag & flags.padded) !== 0;
  const hasPriority = type === frameTypes.headers && (flag & flags.priority) !== 0;
  const from = (isPadded ? 1 : 0) + (hasPriority ? 5 : 0);
  const to = payload.length - (isPadded ? (payload[0] ?? 0) : 0);
  if (from > to) throw new NotHttp("a frame with more padding than it has room for");
  return payload.subarray(from, to);
}
