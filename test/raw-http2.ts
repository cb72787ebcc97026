/** HTTP/2 by hand: as much as is needed to see what a server does, frame by frame. */
import type { RawClient } from "./raw-client.ts";

const typeNames = [
  "DATA",
  "HEADERS",
  "PRIORITY",
  "RST_STREAM",
  "SETTINGS",
  "PUSH_PROMISE",
  "PING",
  "GOAWAY",
  "WINDOW_UPDATE",
];

/** A frame as it came. */
export interface Frame {
  readonly type: string;
  readonly stream: number;
  readonly isLast: boolean;
  readonly payload: Buffer;
}

/** What a client says first: the preface, and settings of which it has none. */
export function hello(client: RawClient): RawClient {
  return client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").send(frame(4, 0, 0, []));
}

/** Asks for `/` on a stream, by a POST whose body is to come if `hasBody`. */
export function ask(client: RawClient, stream: number, hasBody: boolean = false): RawClient {
  const indexed = [hasBody ? 0x83 : 0x82, 0x86, 0x84]; // :method, :scheme http, :path /
  const authority = [0x01, 4, ...Buffer.from("test")];
  return client.send(frame(1, hasBody ? 0x4 : 0x5, stream, [...indexed, ...authority]));
}

/** Sends a piece of a body. */
export function sendData(client: RawClient, stream: number, text: string, isLast: boolean): RawClient {
  return client.send(frame(0, isLast ? 1 : 0, stream, [...Buffer.from(text)]));
}

/** Gives a stream up. */
export function sendReset(client: RawClient, stream: number, code: number): RawClient {
  return client.send(frame(3, 0, stream, [0, 0, 0, code]));
}

/** Sends any frame. */
export function sendFrame(
  client: RawClient,
  type: number,
  flag: number,
  stream: number,
  payload: Uint8Array,
): RawClient {
  return client.send(frame(type, flag, stream, [...payload]));
}

/** Waits for the next frame, or for the next of a type, and drops those before it. */
export async function takeFrame(client: RawClient, type?: string): Promise<Frame> {
  for (;;) {
    const head = Buffer.from(await client.takeBytes(9), "latin1");
    const payload = Buffer.from(await client.takeBytes(head.readUIntBE(0, 3)), "latin1");
    const name = typeNames[head[3]!] ?? "unknown";
    if (type !== undefined && name !== type) continue;
    return { type: name, stream: head.readUInt32BE(5), isLast: (head[4]! & 1) === 1, payload };
  }
}

function frame(type: number, flags: number, stream: number, payload: readonly number[]): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, 9);
  return bytes;
}
