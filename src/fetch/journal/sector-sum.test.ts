import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sectorSum } from "./sector-sum.ts";

const chunks = fc.record({
  bytes: fc.string({ unit: "grapheme-ascii", minLength: 4, maxLength: 5_000 }).map((text) => Buffer.from(text)),
  offset: fc.nat({ max: 2 ** 40 }),
});

describe("the sum over sectors", () => {
  test("is the same for the same lines", () => {
    fc.assert(
      fc.property(chunks, ({ bytes, offset }) => {
        expect(sectorSum(Buffer.from(bytes), offset)).toBe(sectorSum(bytes, offset));
      }),
    );
  });

  test("is another if any sector was not written, or holds what stood there before", () => {
    fc.assert(
      fc.property(chunks, fc.nat(), fc.constantFrom(0, 0xff), ({ bytes, offset }, choice, old) => {
        const first = Math.floor(offset / 512);
        const last = Math.floor((offset + bytes.length - 1) / 512);
        const sector = first + (choice % (last - first + 1));
        const damaged = Buffer.from(bytes);
        damaged.subarray(Math.max(0, sector * 512 - offset), (sector + 1) * 512 - offset).fill(old);

        expect(sectorSum(damaged, offset)).not.toBe(sectorSum(bytes, offset));
      }),
    );
  });
});
