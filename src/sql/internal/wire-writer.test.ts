import fc from "fast-check";
import { expect, test } from "vitest";
import { WireWriter } from "./wire-writer.ts";

/** Something to write, and the bytes that it comes to. */
type Piece = readonly [write: (writer: WireWriter) => void, bytes: Buffer];

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ minLength: 1_000, maxLength: 3_000 }));
const bytes = fc.uint8Array({ maxLength: 200 });
const pieces: fc.Arbitrary<Piece> = fc.oneof(
  text.map((value): Piece => [(writer) => writer.text(value), Buffer.from(value)]),
  text.map((value): Piece => [(writer) => writer.sizedText(value), sized(Buffer.from(value))]),
  bytes.map((value): Piece => [(writer) => writer.value(Buffer.from(value)), sized(Buffer.from(value))]),
  bytes.map((value): Piece => [(writer) => writer.bytes(value, 0, value.length), Buffer.from(value)]),
  fc.integer().map((value): Piece => {
    const four = Buffer.alloc(4);
    four.writeInt32BE(value);
    return [(writer) => writer.int4(value), four];
  }),
  fc.double().map((value): Piece => {
    const eight = Buffer.alloc(8);
    eight.writeDoubleBE(value);
    return [(writer) => writer.float8(value), eight];
  }),
);

test("messages hold what was written, whatever their size, and keep it after others were written", () => {
  fc.assert(
    fc.property(fc.array(fc.array(pieces, { maxLength: 8 }), { minLength: 1, maxLength: 8 }), (messages) => {
      const writer = new WireWriter(256);
      const taken = messages.map((message) => {
        writer.begin("Q".charCodeAt(0));
        for (const [write] of message) write(writer);
        writer.end();
        return writer.take();
      });

      for (const [index, message] of messages.entries()) {
        const content = Buffer.concat(message.map(([, written]) => written));
        const length = Buffer.alloc(4);
        length.writeInt32BE(content.length + 4);
        expect(taken[index]!.equals(Buffer.concat([Buffer.from("Q"), length, content]))).toBe(true);
      }
    }),
  );
});

test("what was cut is not in the message", () => {
  const writer = new WireWriter(16);
  writer.text("kept");
  const { length } = writer;
  writer.text("x".repeat(100));
  writer.cut(length);
  writer.text("!");

  expect(writer.take().toString()).toBe("kept!");
  expect(writer.take().length).toBe(0);
});
