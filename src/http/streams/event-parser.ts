/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  /** As the server calls it in `event`. @default "message" */
  readonly type: string;
  /** All lines of `data`, with `\n` between them. */
  readonly data: string;
  /** What the server has last said in `id`, in this event or before: where to go on from. Empty if it has said nothing. */
  readonly id: string;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const colon = 0x3a;
const anyLineEnd = /\r\n|\r|\n/;
const digits = /^[0-9]+$/;

/**
 * Reads server-sent events from bytes, as the WHATWG standard says, however they are cut into chunks.
 *
 * Of our own, because what is too long is to be the same however it comes: a limit on what a parser happens to hold
 * depends on the chunks. Bytes are decoded a block of whole lines at a time: no character holds a line end, so none is
 * cut apart.
 */
export class EventParser {
  /** What the server has last said of where to go on from. */
  lastEventId: string;
  /** How long the server wants others to wait before they connect again, in milliseconds, if it has said so. */
  retryMs: number | undefined = undefined;
  /** Whether anything has come. */
  hasRead = false;
  /** An event was too long: nothing is read any more. */
  isTooLong = false;
  readonly maxEventBytes: number;
  #events: ServerSentEvent[] = [];
  /** Of a line that has not ended. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #isStart = true;
  /** A line has ended in `\r`, which may have been half of its end. */
  #skipsLineFeed = false;
  // Of the event that has not ended.
  #bytes = 0;
  #type = "";
  #id: string;
  #data: string | undefined = undefined;

  /**
   * @param maxEventBytes - the longest event to accept: all of its lines, without their ends; comments aside, of which
   *   each may be as long
   * @param lastEventId - from an earlier connection
   */
  constructor(maxEventBytes: number, lastEventId: string = "") {
    this.maxEventBytes = maxEventBytes;
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /** The events that `chunk` completes. What is still incomplete at the end of the stream is no event. */
  push(chunk: Uint8Array): readonly ServerSentEvent[] {
    this.#events = [];
    this.hasRead ||= chunk.length > 0;
    if (chunk.length > 0 && !this.isTooLong) this.#read(chunk);
    return this.#events;
  }

  #read(chunk: Uint8Array): void {
    const bytes = this.#skipsLineFeed && chunk[0] === lineFeed ? chunk.subarray(1) : chunk;
    this.#skipsLineFeed = false;
    const end = Math.max(bytes.lastIndexOf(lineFeed), bytes.lastIndexOf(carriageReturn));
    if (end === -1) return this.#keep(bytes);
    this.#skipsLineFeed = bytes[end] === carriageReturn && end === bytes.length - 1;
    this.#readLines(this.#take(bytes.subarray(0, end + 1)));
    this.#keep(bytes.subarray(end + 1));
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.isTooLong) return;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#count(this.#pending[0]![0] === colon, this.#pendingBytes);
  }

  #take(bytes: Uint8Array): Uint8Array {
    if (this.#pending.length === 0) return bytes;
    const all = Buffer.concat([...this.#pending, bytes]);
    this.#pending = [];
    this.#pendingBytes = 0;
    return all;
  }

  /** @param bytes - whole lines */
  #readLines(bytes: Uint8Array): void {
    let text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
    // What is no UTF-8 becomes one U+FFFD each, which hides that it is no ASCII.
    const isAscii = text.length === bytes.length && !text.includes("\uFFFD");
    if (this.#isStart && text.startsWith("\uFEFF")) text = text.slice(1);
    this.#isStart = false;
    const lines = text.split(text.includes("\r") ? anyLineEnd : "\n");
    // Behind the last end there is nothing.
    for (let i = 0; i < lines.length - 1; i++) {
      const line = lines[i]!;
      if (line === "") {
        this.#dispatch();
        continue;
      }
      const isComment = line.charCodeAt(0) === colon;
      const size = isAscii ? line.length : Buffer.byteLength(line);
      if (!this.#count(isComment, size)) return;
      if (isComment) continue;
      this.#bytes += size;
      this.#readField(line);
    }
  }

  /** Whether there is room for a line of so many bytes. */
  #count(isComment: boolean, bytes: number): boolean {
    this.isTooLong = (isComment ? 0 : this.#bytes) + bytes > this.maxEventBytes;
    if (this.isTooLong) {
      this.#pending = [];
      this.#data = undefined;
    }
    return !this.isTooLong;
  }

  #readField(line: string): void {
    const end = line.indexOf(":");
    const name = end === -1 ? line : line.slice(0, end);
    const value = end === -1 ? "" : line.slice(line.startsWith(" ", end + 1) ? end + 2 : end + 1);
    if (name === "data") this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && digits.test(value)) this.#readRetry(Number(value));
  }

  #readRetry(ms: number): void {
    if (Number.isSafeInteger(ms)) this.retryMs = ms;
  }

  #dispatch(): void {
    this.lastEventId = this.#id;
    const data = this.#data;
    if (data !== undefined) this.#events.push({ type: this.#type || "message", data, id: this.#id });
    this.#data = undefined;
    this.#type = "";
    this.#bytes = 0;
  }
}
