import type { Socket } from "node:net";
import { type Clock, Timer, outside } from "../../core/index.ts";
import { type Deflate, type FrameReader, type FrameWriter, makeFrameReader, makeFrameWriter } from "../ws.ts";
import type { Adopted } from "../wire/pool.ts";

/** How a connection has ended. */
export interface WireEnd {
  /** As of RFC 6455. */
  readonly closeCode: number;
  /** What the server said. */
  readonly reason: string;
  /** Who ended it: the server by its closing frame; the network; silence; or this side, because of what came. */
  readonly by: "server" | "network" | "silence" | "fault";
  readonly cause: Error | undefined;
}

/** Whom a connection tells what happens. It calls from the context of the socket. */
export interface WireOwner {
  /** It may make the server wait: see {@link WebSocketWire.pause}. */
  messageCame(message: string | Uint8Array, bytes: number): void;
  /** Something has been written out. */
  wroteOut(): void;
  /** Once, unless it was destroyed: nothing comes any more, and nothing can be sent. */
  wireEnded(end: WireEnd): void;
  /** The session ends. */
  sessionClosed(): void;
}

/** What a connection is to keep to. */
export interface WireLimits {
  /** Whoever has more than this unsent is told when it is written out. */
  readonly maxUnsentBytes: number;
  readonly maxMessageBytes: number;
  readonly heartbeatMs: number;
  readonly closeTimeoutMs: number;
}

/** Messages that are shorter are not worth compressing. */
const compressFromBytes = 1_024;
/** So late a timer is only where the process was held up; and so long what has come meanwhile may take to be read. */
const heldUpMs = 20;
const graceMs = 100;
/** What a frame has besides its message. */
const mostBytesAround = 14;
const plainText = { binary: false, compress: false, fin: true, mask: true } as const;
const plainBytes = { binary: true, compress: false, fin: true, mask: true } as const;
/** So much may be unsent before pings are answered no more: only the last one has to be. */
const maxUnsentForPong = 64 * 1024;

/**
 * One connection that speaks WebSocket: frames, pings and the closing handshake.
 *
 *     open ── close() ──> closing ── the closing frame of the server ──> over
 *      └── the server closes, the network, silence, a fault, destroy() ────^
 *
 * Over, its socket is closed as soon as everything is written out, and at the latest after `closeTimeoutMs`.
 */
export class WebSocketWire implements Adopted {
  readonly closed: Promise<void>;
  /** Whether anything has come but a closing frame. */
  hasHeard = false;
  readonly #socket: Socket;
  readonly #owner: WireOwner;
  readonly #clock: Clock;
  readonly #limits: WireLimits;
  readonly #deflate: Deflate | undefined;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #heartbeat: Timer = new Timer(() => this.#beat());
  readonly #closeTimer: Timer = new Timer(() => this.#socket.destroy());
  #state: "open" | "closing" | "over" = "open";
  #hasSentClose = false;
  /** Everything that came has been read, or cannot be. */
  #hasReadAll = false;
  /** Nobody wants more for now. */
  #isPaused = false;
  /** What is compressed waits for this. */
  #resumed: (() => void) | undefined = undefined;
  #heardMs: number;
  #hasPinged = false;
  /** When the heartbeat is due. */
  #beatMs = 0;
  #error: Error | undefined = undefined;
  /** Bytes that are being compressed, wait for that, or were compressed and have not left. */
  #compressing = 0;

  constructor(socket: Socket, owner: WireOwner, clock: Clock, limits: WireLimits, deflate: Deflate | undefined) {
    this.#socket = socket;
    this.#owner = owner;
    this.#clock = clock;
    this.#limits = limits;
    this.#deflate = deflate === undefined ? undefined : this.#paced(deflate);
    this.#reader = makeFrameReader(limits.maxMessageBytes, deflate);
    this.#writer = makeFrameWriter(socket, deflate);
    this.#heardMs = clock.now();
    this.closed = socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once("close", () => resolve()));
  }

  /** Begins to read: from now on its owner is told what happens. */
  begin(): void {
    if (this.#state === "over") return;
    this.#listen();
    // It may be gone already, while a hook took its time: then nothing more is told.
    if (this.#socket.closed) this.#reader.end();
    this.#armHeartbeat(this.#heardMs + this.#limits.heartbeatMs);
  }

  /** Whether its socket is closed. */
  get isClosed(): boolean {
    return this.#socket.closed;
  }

  /** Bytes on their way out, on this side of the network. */
  get unsentBytes(): number {
    return this.#socket.writableLength + this.#compressing;
  }

  /** Whether pings are on their way, or what was sent: then something will come from outside. */
  get isFlowing(): boolean {
    return this.#hasPinged || this.unsentBytes > 0;
  }

  send(message: string | Uint8Array): void {
    // Behind one that is being compressed all have to wait, and so are counted.
    const isCounted = this.#compressing > 0 || message.length * 3 >= compressFromBytes;
    if (this.#deflate !== undefined && isCounted) return this.#sendCounted(message);
    const binary = typeof message !== "string";
    // Whoever has to wait afterwards waits for this one: to hear of each would cost a fifth of the time.
    const isLast = this.unsentBytes + 3 * message.length + mostBytesAround >= this.#limits.maxUnsentBytes;
    this.#writer.send(message, binary ? plainBytes : plainText, isLast ? this.#wroteOut : undefined);
  }

  #sendCounted(message: string | Uint8Array): void {
    const binary = typeof message !== "string";
    const bytes = Buffer.byteLength(message);
    this.#compressing += bytes;
    const options = { binary, compress: bytes >= compressFromBytes, fin: true, mask: true } as const;
    // It is read later, when its owner may have changed it; and what compresses must not keep the context of the task.
    const data = binary ? Buffer.from(message) : message;
    outside(() =>
      this.#writer.send(data, options, () => {
        this.#compressing -= bytes;
        this.#wroteOut();
      }),
    );
  }

  /** Makes the server wait. Meanwhile its silence is no fault of its own. */
  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#heardMs = this.#clock.now();
    outside(() => {
      this.#letGo();
      this.#socket.resume();
    });
  }

  /** Closes it with a handshake: the server has `closeTimeoutMs` to answer. What it still sends goes. */
  close(code: number | undefined, reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#heartbeat.cancel();
    this.#sendClose(code, reason);
    this.resume();
  }

  /** Closes its socket at once. */
  destroy(): void {
    this.#stop();
    this.#socket.destroy();
  }

  sessionClosed(): void {
    this.destroy();
    this.#owner.sessionClosed();
  }

  readonly #wroteOut = (): void => {
    if (this.#state === "open") this.#owner.wroteOut();
  };

  #listen(): void {
    const [socket, reader] = [this.#socket, this.#reader];
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("end", () => reader.end());
    socket.on("error", (error) => (this.#error = error));
    socket.on("close", () => {
      this.#closeTimer.cancel();
      reader.end();
      this.#cleanUp();
    });
    reader.on("message", (data, isBinary) => {
      this.hasHeard = true;
      if (this.#state === "open") this.#owner.messageCame(isBinary ? ownBytes(data) : data.toString(), data.length);
    });
    reader.on("ping", (data) => {
      this.hasHeard = true;
      if (this.#state === "open" && this.unsentBytes < maxUnsentForPong) this.#writer.pong(data, true, this.#wroteOut);
    });
    reader.on("pong", () => {
      this.hasHeard = true;
    });
    reader.on("conclude", (code, reason) => this.#serverClosed(code, reason.toString()));
    reader.on("error", (error) => {
      this.#hasReadAll = true;
      this.#fault(error);
      this.#cleanUp();
    });
    reader.on("drain", () => {
      if (!this.#isPaused) this.#socket.resume();
    });
    reader.on("finish", () => {
      this.#hasReadAll = true;
      this.#end({ closeCode: 1006, reason: "", by: "network", cause: this.#error });
      this.#cleanUp();
    });
  }

  #read(chunk: Buffer): void {
    if (this.#state === "over") return;
    this.#heardMs = this.#clock.now();
    this.#hasPinged = false;
    if (!this.#reader.write(chunk)) this.#socket.pause();
  }

  #serverClosed(closeCode: number, reason: string): void {
    this.#sendClose(closeCode === 1005 ? undefined : closeCode, "");
    this.#socket.destroySoon();
    this.#end({ closeCode, reason, by: "server", cause: undefined });
  }

  #fault(error: Error & { readonly code?: string }): void {
    const closeCode = closeCodeOf(error.code);
    this.#sendClose(closeCode, "");
    this.#socket.destroySoon();
    this.#end({ closeCode, reason: "", by: "fault", cause: error });
  }

  #sendClose(code: number | undefined, reason: string): void {
    if (this.#hasSentClose || this.#socket.destroyed) return;
    this.#hasSentClose = true;
    this.#writer.close(code, reason, true);
    this.#clock.schedule(this.#clock.now() + this.#limits.closeTimeoutMs, this.#closeTimer);
  }

  #beat(): void {
    const { heartbeatMs } = this.#limits;
    const nowMs = this.#clock.now();
    const lateMs = nowMs - this.#beatMs;
    if (this.#isPaused) this.#heardMs = nowMs;
    // While the process was held up, nothing could be read that came, nor be answered in time.
    else if (lateMs > heldUpMs) this.#heardMs += lateMs + Math.min(heartbeatMs, graceMs);
    const silentMs = nowMs - this.#heardMs;
    if (silentMs >= 2 * heartbeatMs) {
      this.#socket.destroy();
      return this.#end({ closeCode: 1006, reason: "", by: "silence", cause: undefined });
    }
    if (silentMs >= heartbeatMs) {
      this.#hasPinged = true;
      this.#writer.ping("", true, this.#wroteOut);
    }
    this.#armHeartbeat(this.#heardMs + (silentMs >= heartbeatMs ? 2 : 1) * heartbeatMs);
  }

  #armHeartbeat(atMs: number): void {
    this.#beatMs = atMs;
    this.#clock.schedule(atMs, this.#heartbeat);
  }

  #end(end: WireEnd): void {
    if (this.#state === "over") return;
    this.#stop();
    this.#owner.wireEnded(end);
  }

  #stop(): void {
    this.#state = "over";
    this.#heartbeat.cancel();
    this.#letGo();
  }

  /** What compresses must not be closed in the middle of its work, or ws waits for that for ever. */
  #cleanUp(): void {
    if (this.#hasReadAll && this.#socket.destroyed) this.#deflate?.cleanup();
  }

  #letGo(): void {
    const resumed = this.#resumed;
    this.#resumed = undefined;
    resumed?.();
  }

  /** What is compressed may become a thousand times as much: none is decompressed while nobody wants more. */
  #paced(deflate: Deflate): Deflate {
    const decompress = deflate.decompress.bind(deflate);
    deflate.decompress = (...its) => {
      const goOn = (): void => {
        if (this.#state === "over") its[2](new Error("nobody wants it any more"));
        else decompress(...its);
      };
      if (this.#isPaused) this.#resumed = goOn;
      else goOn();
    };
    return deflate;
  }
}

/** A message of its own, where it would keep alive much more that came along with it. */
function ownBytes(data: Buffer): Uint8Array {
  const isMost = data.buffer.byteLength <= 2 * data.length;
  return isMost ? new Uint8Array(data.buffer, data.byteOffset, data.length) : new Uint8Array(data);
}

/** What the server is told of what it sent. */
function closeCodeOf(code: string | undefined): number {
  switch (code) {
    case "WS_ERR_INVALID_UTF8":
      return 1007;
    case "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH":
    case "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH":
      return 1009;
    case "WS_ERR_TOO_MANY_BUFFERED_PARTS":
      return 1008;
    default:
      return code?.startsWith("Z_") === true ? 1007 : 1002;
  }
}
