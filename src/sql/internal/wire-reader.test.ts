import fc from "fast-check";
import { expect, test } from "vitest";
import { WireReader } from "./wire-reader.ts";

function messageOf([code, content]: readonly [string, Uint8Array]): Buffer {
  const message = Buffer.alloc(5 + content.length);
  message.write(code);
  message.writeUInt32BE(4 + content.length, 1);
  message.set(content, 5);
  return message;
}

/** What is heard of messages that come in pieces, in order. */
function hear(pieces: readonly Buffer[]): string[] {
  const heard: string[] = [];
  const reader = new WireReader((messages) => {
    for (let at = 0; at < messages.length; at += 1 + messages.readUInt32BE(at + 1)) {
      const end = at + 1 + messages.readUInt32BE(at + 1);
      heard.push(`${String.fromCharCode(messages[at]!)} ${messages.toString("hex", at + 5, end)}`);
    }
  });
  reader.listener = {
    // A row that has only the number of its columns, and bytes.
    handleDataRow: ({ view, at, bytes }) => {
      const length = view.getUint32(at - 4) - 4;
      heard.push(`D ${bytes.toString("hex", at, at + length)}`);
    },
    handleCopyData: ({ bytes, at }, length) => heard.push(`d ${bytes.toString("hex", at, at + length)}`),
  };
  for (const piece of pieces) reader.read(piece);
  return heard;
}

test("messages are heard whole and in order, however they are cut into pieces", () => {
  const code = fc.constantFrom("D", "D", "D", "d", "C", "Z", "T", "1");
  const content = fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ minLength: 300, maxLength: 400 }));
  const messages = fc.array(fc.tuple(code, content), { minLength: 1, maxLength: 12 });

  fc.assert(
    fc.property(messages, fc.array(fc.nat(), { maxLength: 12 }), (sent, cuts) => {
      const bytes = Buffer.concat(sent.map(messageOf));
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
      const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end));

      expect(hear(pieces)).toEqual(sent.map(([name, data]) => `${name} ${Buffer.from(data).toString("hex")}`));
    }),
    { numRuns: 500 },
  );
});

test("a large message that comes byte by byte is put together once", () => {
  const bytes = messageOf(["D", new Uint8Array(300_000).fill(7)]);
  const pieces = Array.from({ length: bytes.length }, (_, index) => bytes.subarray(index, index + 1));

  expect(hear(pieces)).toEqual([`D ${"07".repeat(300_000)}`]);
});
