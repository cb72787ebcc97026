/** How HTTP/2 writes headers, RFC 7541: as much as it takes to read those of any client, and to answer. */
import { NotHttp } from "./fault-connection.ts";
import { decodeHuffman } from "./fault-huffman.ts";

export type Header = readonly [name: string, value: string];

/** The table of appendix A: `name value`, from 1. */
const known: readonly Header[] = [
  ":authority",
  ":method GET",
  ":method POST",
  ":path /",
  ":path /index.html",
  ":scheme http",
  ":scheme https",
  ":status 200",
  ":status 204",
  ":status 206",
  ":status 304",
  ":status 400",
  ":status 404",
  ":status 500",
  "accept-charset",
  "accept-encoding gzip, deflate",
  "accept-language",
  "accept-ranges",
  "accept",
  "access-control-allow-origin",
  "age",
  "allow",
  "authorization",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "etag",
  "expect",
  "expires",
  "from",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "link",
  "location",
  "max-forwards",
  "proxy-authenticate",
  "proxy-authorization",
  "range",
  "referer",
  "refresh",
  "retry-after",
  "server",
  "set-cookie",
  "strict-transport-security",
  "transfer-encoding",
  "user-agent",
  "vary",
  "via",
  "www-authenticate",
].map((line) => {
  const [name = "", ...value] = line.split(" ");
  return [name, value.join(" ")];
});

/** What a header costs in the table of those that were sent before, beside its bytes. */
const overheadBytes = 32;
const maxTableBytes = 4_096;

/** Reads blocks of headers, each in the light of those before. */
export class HeaderDecoder {
  /** Newest first. */
  readonly #recent: Header[] = [];
  #recentBytes = 0;
  #limitBytes = maxTableBytes;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /** @throws {NotHttp} it cannot be read */
  decode(block: Buffer): Header[] {
    this.#block = block;
    this.#at = 0;
    const headers: Header[] = [];
    while (this.#at < block.length) {
      const header = this.#readOne(block[this.#at]!);
      if (header !== undefined) headers.push(header);
    }
    return headers;
  }

  #readOne(first: number): Header | undefined {
    if (first >= 0x80) return this.#header(this.#integer(7));
    if (first >= 0x40) return this.#remember(this.#literal(6));
    if (first < 0x20) return this.#literal(4);
    this.#limitBytes = this.#integer(5);
    if (this.#limitBytes > maxTableBytes) throw new NotHttp("a header table that is larger than allowed");
    this.#forget();
    return undefined;
  }

  #literal(bits: number): Header {
    const index = this.#integer(bits);
    const name = index === 0 ? this.#string() : this.#header(index)[0];
    return [name, this.#string()];
  }

  #header(index: number): Header {
    const header = index <= known.length ? known[index - 1] : this.#recent[index - known.length - 1];
    if (header === undefined) throw new NotHttp(`a header that was never sent, number ${index}`);
    return header;
  }

  #remember(header: Header): Header {
    this.#recent.unshift(header);
    this.#recentBytes += sizeOf(header);
    this.#forget();
    return header;
  }

  #forget(): void {
    while (this.#recentBytes > this.#limitBytes) this.#recentBytes -= sizeOf(this.#recent.pop()!);
  }

  /** The lower bits of a byte; if all of them are set, seven more in each byte that follows, while its first bit is. */
  #integer(bits: number): number {
    const most = 2 ** bits - 1;
    let number = this.#byte() & most;
    if (number < most) return number;
    for (let weight = 1; ; weight *= 128) {
      const next = this.#byte();
      number += (next & 0x7f) * weight;
      if (weight > 2 ** 21) throw new NotHttp("a number in the headers that is too large");
      if (next < 0x80) return number;
    }
  }

  #string(): string {
    const isCoded = this.#block[this.#at]! >= 0x80;
    const length = this.#integer(7);
    if (this.#at + length > this.#block.length) throw new NotHttp("headers that end too early");
    const bytes = this.#block.subarray(this.#at, (this.#at += length));
    const text = isCoded ? decodeHuffman(bytes) : bytes;
    if (text === undefined) throw new NotHttp("a header whose Huffman code is broken");
    return text.toString("latin1");
  }

  #byte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw new NotHttp("headers that end too early");
    return byte;
  }
}

function sizeOf([name, value]: Header): number {
  return name.length + value.length + overheadBytes;
}

/** Writes headers in the plainest form: nothing from tables, nothing coded. */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), ...plainText(name), ...plainText(value)]));
}

function plainText(text: string): Buffer[] {
  const bytes = Buffer.from(text, "latin1");
  return [plainLength(bytes.length), bytes];
}

function plainLength(length: number): Buffer {
  if (length < 127) return Buffer.from([length]);
  const digits: number[] = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) digits.push((rest % 128) + 128);
  return Buffer.from([...digits, rest]);
}
