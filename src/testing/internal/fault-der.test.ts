import { expect, test } from "vitest";
import { bits, context, integer, objectId, octets, sequence, time, truth, utf8 } from "./fault-der.ts";

const hex = (bytes: Buffer): string => bytes.toString("hex");

test("integers are positive, and as short as can be", () => {
  expect([0, 1, 127, 128, 255, 256, 65_536].map((number) => hex(integer(number)))).toEqual([
    "020100",
    "020101",
    "02017f",
    "02020080",
    "020200ff",
    "02020100",
    "0203010000",
  ]);
});

test("lengths are short up to 127, and say from there how long they are", () => {
  expect(hex(octets(Buffer.alloc(127))).slice(0, 4)).toBe("047f");
  expect(hex(octets(Buffer.alloc(128))).slice(0, 6)).toBe("048180");
  expect(hex(octets(Buffer.alloc(300))).slice(0, 8)).toBe("0482012c");
});

test("object identifiers pack their arcs into seven bits a byte", () => {
  // ecdsa-with-SHA256, as in RFC 5758.
  expect(hex(objectId(1, 2, 840, 10045, 4, 3, 2))).toBe("06082a8648ce3d040302");
});

test("values nest", () => {
  expect(hex(sequence(truth, utf8("é"), context(3, bits(Buffer.from([1])))))).toBe("300d0101ff0c02c3a9a30403020001");
  expect(time(2049, "1231235959Z").toString("latin1", 2)).toBe("491231235959Z");
});
