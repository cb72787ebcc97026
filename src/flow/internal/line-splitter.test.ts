import fc from "fast-check";
import { expect, test } from "vitest";
import { LineSplitter } from "./line-splitter.ts";

const tooLong = new Error("too long");

function split(chunks: readonly Uint8Array[], maxLineBytes = Infinity): string[] {
  const splitter = new LineSplitter(maxLineBytes, () => tooLong);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.finish()];
}

test("lines are the same wherever the bytes are cut", () => {
  const text = fc.array(fc.constantFrom("\n", "\r\n", "\r", "a", "ä", "\u{1F600}", "\uFEFF", "long ".repeat(20)));
  fc.assert(
    fc.property(text, fc.array(fc.nat(200)), (parts, cuts) => {
      const bytes = Buffer.from(parts.join(""));
      const chunks: Uint8Array[] = [];
      const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
      for (let i = 1; i < at.length; i++) chunks.push(bytes.subarray(at[i - 1], at[i]));
      const expected = bytes
        .toString()
        .replace(/^\uFEFF/, "")
        .split("\n");
      if (expected.at(-1) === "") expected.pop();
      expect(split(chunks)).toEqual(expected.map((line) => line.replace(/\r$/, "")));
    }),
  );
});

test("an empty body has no lines, and an empty line is one", () => {
  expect(split([])).toEqual([]);
  expect(split([Buffer.from("\n")])).toEqual([""]);
});

test("a line may be as long as allowed, and not longer, in one piece or many", () => {
  const line = "ä".repeat(25);
  const bytes = Buffer.from(`${line}\n`);
  const pieces = [...bytes].map((byte) => Uint8Array.of(byte));
  expect(split([bytes], 50)).toEqual([line]);
  expect(split(pieces, 50)).toEqual([line]);
  expect(() => split([bytes], 49)).toThrow(tooLong);
  expect(() => split(pieces, 49)).toThrow(tooLong);
  expect(() => split([Buffer.from("x".repeat(50))], 49)).toThrow(tooLong);
});

test("the lines before one that is too long are given, wherever the bytes are cut", () => {
  const bytes = Buffer.from(`a\nb\n${"x".repeat(50)}\nc\n`);
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new LineSplitter(20, () => tooLong);
    const lines: string[] = [];
    const read = (): void => {
      for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)));
      lines.push(...splitter.finish());
    };
    expect(read).toThrow(tooLong);
    expect(lines).toEqual(["a", "b"]);
  }
});
