/** The binary form of certificates, DER: each value is a tag, a length and its bytes. */

function value(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

/** Lengths from 128 on say first in how many bytes they are written. */
function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes = bytesOf(length, 0x100);
  return [0x80 + bytes.length, ...bytes];
}

/** The digits of `number`, most significant first. */
function bytesOf(number: number, base: number): number[] {
  const digits = [number % base];
  for (let rest = Math.floor(number / base); rest > 0; rest = Math.floor(rest / base)) digits.unshift(rest % base);
  return digits;
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return value(0x30, ...parts);
}

export function set(...parts: readonly Uint8Array[]): Buffer {
  return value(0x31, ...parts);
}

/** A positive one: a first bit that is set would be a sign. */
export function integer(number: number): Buffer {
  const bytes = bytesOf(number, 0x100);
  return value(0x02, Buffer.from(bytes[0]! >= 0x80 ? [0, ...bytes] : bytes));
}

/** The first two arcs share a byte; of the others each byte but the last has its first bit set. */
export function objectId(first: number, second: number, ...arcs: readonly number[]): Buffer {
  const bytes = arcs.flatMap((arc) => {
    const digits = bytesOf(arc, 0x80);
    return digits.map((digit, index) => (index === digits.length - 1 ? digit : digit + 0x80));
  });
  return value(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

export function utf8(text: string): Buffer {
  return value(0x0c, Buffer.from(text));
}

/** Up to 2049 the year has two digits. `rest` is `MMDDhhmmssZ`. */
export function time(year: number, rest: string): Buffer {
  return value(0x17, Buffer.from(`${String(year % 100).padStart(2, "0")}${rest}`));
}

export const truth: Buffer = value(0x01, Buffer.from([0xff]));

export function octets(bytes: Uint8Array): Buffer {
  return value(0x04, bytes);
}

/** The first byte says how many bits of the last are not used. */
export function bits(bytes: Uint8Array): Buffer {
  return value(0x03, Buffer.from([0]), bytes);
}

/** A value with a number of its place, made of others. */
export function context(place: number, content: Uint8Array): Buffer {
  return value(0xa0 + place, content);
}

/** A value with a number of its place, that is its bytes alone. */
export function plain(place: number, bytes: Uint8Array): Buffer {
  return value(0x80 + place, bytes);
}
