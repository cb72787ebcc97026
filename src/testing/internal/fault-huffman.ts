/**
 * The Huffman code of HTTP/2 headers, RFC 7541, appendix B.
 *
 * How long the code of each byte is; the last is that of the end, which never comes. The codes follow from that: shorter
 * ones come before longer ones, and equal ones in the order of their bytes.
 */
const lengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];
const end = 256;

/** Those of one length: their bytes in order, and the code of the first. */
interface Codes {
  readonly first: number;
  readonly bytes: readonly number[];
}

const byLength: readonly Codes[] = groupByLength();

function groupByLength(): Codes[] {
  const groups: Codes[] = [];
  for (let length = 0, first = 0; length <= 30; length++) {
    const bytes = lengths.flatMap((each, byte) => (each === length ? [byte] : []));
    groups.push({ first, bytes });
    first = (first + bytes.length) * 2;
  }
  return groups;
}

/** What the code says; undefined if it is broken. What is left over at the end is less than a byte, and all ones. */
export function decodeHuffman(code: Uint8Array): Buffer | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let length = 0;
  for (const each of code) {
    for (let place = 7; place >= 0; place--) {
      bits = bits * 2 + ((each >> place) & 1);
      length++;
      const byte = byteOf(bits, length);
      if (byte === end || length > 30) return undefined;
      if (byte === undefined) continue;
      bytes.push(byte);
      bits = length = 0;
    }
  }
  return length < 8 && bits === 2 ** length - 1 ? Buffer.from(bytes) : undefined;
}

function byteOf(bits: number, length: number): number | undefined {
  const codes = byLength[length];
  return codes?.bytes[bits - codes.first];
}
