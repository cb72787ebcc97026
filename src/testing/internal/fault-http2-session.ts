/** HTTP/2, as much of it as it takes to answer: written by hand, so that anything can be sent. */
import { type TaskGroup, taskGroup } from "../../core/index.ts";
import { NotHttp, type OpenConnection } from "./fault-connection.ts";
import { type Frame, contentOf, flags, frameTypes, moreRoom, readFrame, words, writeFrame } from "./fault-frames.ts";
import { type Header, HeaderDecoder } from "./fault-hpack.ts";
import { Http2Stream } from "./fault-http2-stream.ts";
import { Http2Windows } from "./fault-http2-windows.ts";
import type { FaultPlayer } from "./fault-player.ts";
import { ByteReader } from "./fault-reader.ts";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const protocolError = 1;
const initialWindowSize = 4;

/** Answers the requests of a connection, as many at once as come, until it ends. */
export async function serveHttp2(connection: OpenConnection, player: FaultPlayer): Promise<void> {
  connection.record.protocol = "http/2";
  const reader = new ByteReader(connection.stream);
  await taskGroup(async (group) => {
    try {
      await new Http2Session(connection, reader, player, group).serve();
    } catch (error) {
      if (!(error instanceof NotHttp)) throw error;
      connection.problem(error.message);
      connection.tell(writeFrame(frameTypes.goAway, 0, words(0, protocolError)));
      await connection.end("close");
    }
    reader.discard();
  });
}

/** Headers that may take several frames. */
interface HeaderBlock {
  readonly stream: number;
  /** Whether the request ends with them. */
  readonly isLast: boolean;
  /** What has come of them. */
  bytes: Buffer;
}

class Http2Session {
  readonly #connection: OpenConnection;
  readonly #reader: ByteReader;
  readonly #player: FaultPlayer;
  readonly #group: TaskGroup;
  readonly #decoder = new HeaderDecoder();
  readonly #windows = new Http2Windows();
  readonly #streams = new Map<number, Http2Stream>();
  /** Headers that are to be continued. */
  #block: HeaderBlock | undefined;

  constructor(connection: OpenConnection, reader: ByteReader, player: FaultPlayer, group: TaskGroup) {
    this.#connection = connection;
    this.#reader = reader;
    this.#player = player;
    this.#group = group;
  }

  /** @throws {NotHttp} the client speaks something else */
  async serve(): Promise<void> {
    const greeting = await this.#reader.exactly(preface.length);
    if (greeting === undefined) return;
    if (greeting.toString("latin1") !== preface) throw new NotHttp("no preface of HTTP/2");
    this.#connection.tell(writeFrame(frameTypes.settings, 0));
    while (this.#connection.state === "open") {
      const frame = await readFrame(this.#reader);
      if (frame === undefined) return;
      await this.#take(frame);
    }
  }

  async #take(frame: Frame): Promise<void> {
    if (this.#block !== undefined) return this.#continue(frame, this.#block);
    switch (frame.type) {
      case frameTypes.headers: {
        const isLast = (frame.flags & flags.endStream) !== 0;
        return this.#continue(frame, { stream: frame.stream, isLast, bytes: Buffer.alloc(0) });
      }
      case frameTypes.data:
        return this.#data(frame);
      case frameTypes.resetStream:
        return this.#streams.get(frame.stream)?.lost();
      case frameTypes.settings:
        return this.#settings(frame);
      case frameTypes.ping:
        if ((frame.flags & flags.ack) !== 0) return;
        return this.#connection.tell(writeFrame(frameTypes.ping, 0, frame.payload, flags.ack));
      case frameTypes.windowUpdate:
        return this.#windows.widen(frame.stream, wordAt(frame, 0) & 0x7fffffff);
      default:
        return; // Priorities, and what is not known, may be overlooked.
    }
  }

  /** A frame of headers: the first, or one that must be the next of its block. */
  async #continue(frame: Frame, block: HeaderBlock): Promise<void> {
    const isFirst = this.#block === undefined;
    if (!isFirst && (frame.type !== frameTypes.continuation || frame.stream !== block.stream)) {
      throw new NotHttp("headers that are not continued");
    }
    block.bytes = Buffer.concat([block.bytes, contentOf(frame)]);
    const isWhole = (frame.flags & flags.endHeaders) !== 0;
    this.#block = isWhole ? undefined : block;
    if (isWhole) await this.#headers(block.stream, this.#decoder.decode(block.bytes), block.isLast);
  }

  async #headers(id: number, headers: readonly Header[], isLast: boolean): Promise<void> {
    // Trailers.
    if (this.#streams.has(id)) return this.#streams.get(id)!.came(Buffer.alloc(0), isLast);
    if (this.#connection.endOnNext !== undefined) return this.#connection.end(this.#connection.endOnNext);
    const of = (name: string): string => headers.find(([key]) => key === name)?.[1] ?? "";
    const head = { version: "2", method: of(":method"), target: of(":path"), rawHeaders: headers } as const;
    const { record } = this.#player;
    const request = record.requestCame(head, this.#connection.record);
    const stream = new Http2Stream(id, this.#connection, this.#windows, request, record);
    this.#streams.set(id, stream);
    this.#windows.open(id);
    if (isLast) stream.came(Buffer.alloc(0), true);
    this.#group.spawn((scope) => {
      stream.gone.catch(() => scope.cancel({ kind: "disconnected", peer: "the client" }));
      return this.#answer(stream);
    });
  }

  async #answer(stream: Http2Stream): Promise<void> {
    await this.#player.play(stream.request, stream);
    this.#windows.close(stream.streamId);
    // What is still to come of the body is read, as it would be on HTTP/1.
    stream.receive();
    await stream.received().catch(() => {}); // The client has given it up.
    this.#streams.delete(stream.streamId);
  }

  #data(frame: Frame): void {
    const content = contentOf(frame);
    // Only streams are ever made to wait.
    if (frame.payload.length > 0) this.#connection.tell(moreRoom(0, frame.payload.length));
    this.#streams.get(frame.stream)?.came(content, (frame.flags & flags.endStream) !== 0);
  }

  #settings(frame: Frame): void {
    if ((frame.flags & flags.ack) !== 0) return;
    for (let at = 0; at + 6 <= frame.payload.length; at += 6) {
      if (frame.payload.readUInt16BE(at) === initialWindowSize) this.#windows.begin(wordAt(frame, at + 2));
    }
    this.#connection.tell(writeFrame(frameTypes.settings, 0, undefined, flags.ack));
  }
}

function wordAt({ payload }: Frame, at: number): number {
  if (payload.length < at + 4) throw new NotHttp("a frame that is too short");
  return payload.readUInt32BE(at);
}
