/**
 * The one file that knows ws: its framing and its compression, over sockets that our pool has opened.
 *
 * Its client is not used. That would open and shake hands by itself, where ours has slots, proxies, credentials and
 * timeouts; and what it has read it gives away, however slowly somebody listens. Loaded with the first WebSocket.
 */
import { createRequire } from "node:module";
import type { Socket } from "node:net";

/** Reads frames. The last of a message is when it is told, within `write` where it is not compressed. */
export interface FrameReader {
  /** @returns false if it is behind, because it decompresses, and wants a pause until it says `drain` */
  write(chunk: Buffer): boolean;
  end(): void;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
  on(event: "ping" | "pong", listener: (data: Buffer) => void): this;
  /** The other side closes. */
  on(event: "conclude", listener: (code: number, reason: Buffer) => void): this;
  /** What came is no WebSocket, or too long. */
  on(event: "error", listener: (error: Error & { readonly code?: string }) => void): this;
  /** `finish`: all that was written has been read. */
  on(event: "drain" | "finish", listener: () => void): this;
}

/** Writes frames, in their order. */
export interface FrameWriter {
  /** The callback comes when it has been written out, or with the error of the socket. */
  send(data: string | Uint8Array, options: SendOptions, callback: (() => void) | undefined): void;
  ping(data: string, isMasked: boolean, callback: () => void): void;
  pong(data: Buffer, isMasked: boolean, callback: () => void): void;
  close(code: number | undefined, reason: string, isMasked: boolean): void;
}

/** How a message is sent. */
interface SendOptions {
  readonly binary: boolean;
  readonly compress: boolean;
  readonly fin: true;
  readonly mask: true;
}

type Parameters = Record<string, string | true>;
type Decompressed = (error: Error | null, data?: Buffer) => void;

/** Compression of messages, as agreed on. */
export interface Deflate {
  offer(): Parameters;
  /** @throws {Error} it was not offered so */
  accept(parameters: unknown): void;
  decompress(data: Buffer, isLast: boolean, callback: Decompressed): void;
  cleanup(): void;
}

interface Ws {
  readonly Receiver: new (options: object) => FrameReader;
  readonly Sender: new (socket: Socket, extensions: object) => FrameWriter;
  readonly PerMessageDeflate: new (options: object) => Deflate;
  readonly extension: { format(offers: object): string; parse(header: string): Record<string, unknown> };
}

const require = createRequire(import.meta.url);
const deflateName = "permessage-deflate";
let ws: Ws | undefined;

function loaded(): Ws {
  return (ws ??= require("ws") as Ws);
}

/** What ws takes for no limit. */
const unlimited = 0;
const mostBytes = 2 ** 31 - 1;

function limitOf(maxBytes: number): number {
  return maxBytes > mostBytes ? unlimited : maxBytes;
}

/** Compression that can be offered, and the header to do it with. */
export function makeDeflate(maxMessageBytes: number): { readonly deflate: Deflate; readonly offer: string } {
  const { PerMessageDeflate, extension } = loaded();
  const deflate = new PerMessageDeflate({ isServer: false, maxPayload: limitOf(maxMessageBytes) });
  return { deflate, offer: extension.format({ [deflateName]: deflate.offer() }) };
}

/**
 * Takes what the server has made of the offer.
 *
 * @throws {Error} it is not what was offered
 */
export function acceptDeflate(deflate: Deflate, header: string): void {
  const extensions = loaded().extension.parse(header);
  const names = Object.keys(extensions);
  if (names.length !== 1 || names[0] !== deflateName) throw new Error(`${names.join(", ")} was not offered`);
  deflate.accept(extensions[deflateName]);
}

/** @param deflate - undefined where nothing is compressed */
export function makeFrameReader(maxMessageBytes: number, deflate: Deflate | undefined): FrameReader {
  return new (loaded().Receiver)({
    isServer: false,
    maxPayload: limitOf(maxMessageBytes),
    maxFragments: 16 * 1024,
    maxBufferedChunks: 256 * 1024,
    extensions: extensionsOf(deflate),
  });
}

export function makeFrameWriter(socket: Socket, deflate: Deflate | undefined): FrameWriter {
  return new (loaded().Sender)(socket, extensionsOf(deflate));
}

function extensionsOf(deflate: Deflate | undefined): object {
  return deflate === undefined ? {} : { [deflateName]: deflate };
}
