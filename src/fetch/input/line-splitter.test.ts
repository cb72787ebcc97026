import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BadLine, LineSplitter } from "./line-splitter.ts";

function split(chunks: readonly Buffer[], maxLineBytes = 1_000): (string | BadLine)[] {
  const splitter = new LineSplitter(maxLineBytes);
  const lines: (string | BadLine)[] = [];
  const drain = (): void => {
    for (let line = splitter.next(); line !== undefined; line = splitter.next()) lines.push(line);
  };
  for (const chunk of chunks) {
    splitter.feed(chunk);
    drain();
  }
  splitter.end();
  drain();
  return lines;
}

/** Cuts `bytes` at the given places, whatever stands there. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

describe("LineSplitter", () => {
  test("gives the same lines wherever the chunks are cut, inside characters too", () => {
    const line = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n\ufeff\ufffd]/.test(text));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(200)), fc.boolean(), (lines, places, isUnix) => {
        const bytes = Buffer.from(lines.map((text) => text + (isUnix ? "\n" : "\r\n")).join(""));
        expect(split(cut(bytes, places))).toEqual(lines);
      }),
    );
  });

  test("gives the same lines of any bytes, however they come", () => {
    const byte = fc.oneof(fc.constantFrom(0x0a, 0x0d, 0x00, 0xef, 0xbb, 0xbf, 0xff, 0xfe, 0xc3, 0x61), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(byte, { maxLength: 60 }),
        fc.array(fc.nat(60)),
        fc.integer({ min: 1, max: 12 }),
        (all, places, max) => {
          const bytes = Buffer.from(all);
          const whole = split([bytes], max);
          expect(split(cut(bytes, places), max)).toEqual(whole);
          expect(
            split(
              [...bytes].map((one) => Buffer.from([one])),
              max,
            ),
          ).toEqual(whole);
          const ends = all.filter((one) => one === 0x0a).length;
          expect(whole).toHaveLength(ends + (all.length > 0 && all.at(-1) !== 0x0a ? 1 : 0));
          const numbers = whole.map((line, index) => (line instanceof BadLine ? line.line : index + 1));
          expect(numbers).toEqual([...whole.keys()].map((index) => index + 1));
        },
      ),
    );
  });

  test("holds a line that comes byte by byte once, not a piece for each byte", () => {
    const bytes = Buffer.alloc(4 * 1024 * 1024, "x");
    const before = process.memoryUsage();
    const splitter = new LineSplitter(bytes.length);
    for (let at = 0; at < bytes.length; at++) {
      splitter.feed(bytes.subarray(at, at + 1));
      splitter.next();
    }
    const after = process.memoryUsage();
    splitter.end();
    expect(splitter.next() as string).toHaveLength(bytes.length);
    // Pieces would take 400 MB and more.
    expect(after.external + after.heapTotal - before.external - before.heapTotal).toBeLessThan(150e6);
  });

  test("takes a carriage return that ends no line for what it is, and NUL", () => {
    expect(split([Buffer.from("a\rb\r\r\nc\0d\r\n\r")])).toEqual(["a\rb\r", "c\0d", ""]);
  });

  test("takes a last line without an end", () => {
    expect(split([Buffer.from("a\nb")])).toEqual(["a", "b"]);
    expect(split([Buffer.from("a\nb\n")])).toEqual(["a", "b"]);
    expect(split([])).toEqual([]);
  });

  test("drops a UTF-8 byte order mark, and refuses UTF-16", () => {
    expect(split([Buffer.from("\ufeffa\n\ufeffb")])).toEqual(["a", "\ufeffb"]);
    expect(split([Buffer.from("\ufeffa\n", "utf16le")])[0]).toEqual(
      new BadLine(1, "The input is UTF-16: save it as UTF-8"),
    );
  });

  test("refuses bytes that are not UTF-8 and goes on, but takes a U+FFFD that is really there", () => {
    const lines = split([Buffer.from("a\n"), Buffer.from([0x62, 0xff, 0x0a]), Buffer.from("\ufffd\n")]);
    expect(lines).toEqual(["a", new BadLine(2, "The line is not valid UTF-8", 2), "\ufffd"]);
  });

  test("refuses a line that is too long with its number, and goes on with the next", () => {
    const chunks = [Buffer.from("ab\n"), Buffer.alloc(600, "x"), Buffer.alloc(600, "x"), Buffer.from("x\ncd\n")];
    expect(split(chunks)).toEqual(["ab", new BadLine(2, "The line is longer than 1,000 bytes"), "cd"]);
    expect(split([Buffer.alloc(1_001, "x")])).toEqual([new BadLine(1, "The line is longer than 1,000 bytes")]);
    expect(split([Buffer.alloc(1_000, "x")])).toEqual(["x".repeat(1_000)]);
  });

  test("counts the bytes of the lines it returned", () => {
    const splitter = new LineSplitter(100);
    splitter.feed(Buffer.from("äb\nc"));
    splitter.next();
    expect(splitter.bytes).toBe(4);
    splitter.next();
    splitter.end();
    splitter.next();
    expect([splitter.bytes, splitter.line]).toEqual([5, 2]);
  });
});
