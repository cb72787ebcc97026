import fc from "fast-check";
import { expect, test } from "vitest";
import { type LineRecord, RecordWriter, readRecords } from "./line-records.ts";

const records: fc.Arbitrary<LineRecord[]> = fc.array(
  fc.record({
    index: fc.oneof(fc.nat(100), fc.nat(), fc.nat({ max: 2 ** 51 })),
    kind: fc.constantFrom("ok" as const, "failed" as const, "bad-line" as const),
    hash: fc.nat({ max: 2 ** 32 - 1 }),
    bytes: fc.oneof(fc.nat(300), fc.nat({ max: 2 ** 40 })),
  }),
  { maxLength: 2_000 },
);

function packed(all: readonly LineRecord[], writer = new RecordWriter()): Buffer {
  for (const { index, kind, hash, bytes } of all) writer.add(index, kind, hash, bytes);
  return writer.take();
}

test("records come back as they were, also from a writer that was used before", () => {
  const writer = new RecordWriter();
  fc.assert(
    fc.property(records, (all) => {
      expect([...readRecords(packed(all, writer))]).toEqual(all);
    }),
  );
});

test("records of neighbouring lines take eight bytes or nine", () => {
  const all = Array.from({ length: 1_000 }, (_, index): LineRecord => ({
    index: index + 1_000_000,
    kind: "ok",
    hash: 0xffff_ffff,
    bytes: 1_200,
  }));
  expect(packed(all).length / 1_000).toBeLessThan(9);
});

test.each([
  ["that end in the middle of one", packed([{ index: 1, kind: "ok", hash: 1, bytes: 1 }]).subarray(0, -1)],
  ["of an unknown kind", Buffer.from([2, 9, 0, 0, 0, 0, 1])],
])("records %s are refused", (_, bytes) => {
  expect(() => [...readRecords(bytes)]).toThrow(RangeError);
});
