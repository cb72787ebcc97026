import { expect, test } from "vitest";
import { copyOf } from "./serialize.ts";

test("bytes arrive with memory of their own, which holds nothing else of what was sent", () => {
  const views = [
    new Uint8Array([1, 2, 3]),
    new Float64Array([1.5, 2.5]),
    Buffer.from("hello"),
    new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2),
    new Uint16Array([1, 2, 3, 4]).subarray(1, 3),
  ];

  const copies = copyOf.process(["a secret", ...views]) as [string, ...typeof views];

  expect(copies).toStrictEqual(["a secret", ...views]);
  for (const copy of copies.slice(1) as typeof views) {
    expect([copy.byteOffset, copy.buffer.byteLength]).toEqual([0, copy.byteLength]);
  }
});
