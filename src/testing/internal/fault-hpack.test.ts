import { once } from "node:events";
import { connect } from "node:http2";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openFaultServer } from "../index.ts";
import { type Header, HeaderDecoder, encodeHeaders } from "./fault-hpack.ts";
import { decodeHuffman } from "./fault-huffman.ts";

const fromHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

/** Examples of RFC 7541, appendix C: each list of blocks in the light of those before. */
const examples: readonly (readonly [
  section: string,
  blocks: readonly (readonly [hex: string, headers: Header[]])[],
])[] = [
  ["C.2.1", [["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", [["custom-key", "custom-header"]]]]],
  ["C.2.2", [["040c 2f73 616d 706c 652f 7061 7468", [[":path", "/sample/path"]]]]],
  ["C.2.3", [["1008 7061 7373 776f 7264 0673 6563 7265 74", [["password", "secret"]]]]],
  ["C.2.4", [["82", [[":method", "GET"]]]]],
  [
    "C.4",
    [
      [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        [
          [":method", "GET"],
          [":scheme", "http"],
          [":path", "/"],
          [":authority", "www.example.com"],
        ],
      ],
      [
        "8286 84be 5886 a8eb 1064 9cbf",
        [
          [":method", "GET"],
          [":scheme", "http"],
          [":path", "/"],
          [":authority", "www.example.com"],
          ["cache-control", "no-cache"],
        ],
      ],
      [
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        [
          [":method", "GET"],
          [":scheme", "https"],
          [":path", "/index.html"],
          [":authority", "www.example.com"],
          ["custom-key", "custom-value"],
        ],
      ],
    ],
  ],
];

test.for(examples)("reads the example of section %s", ([, blocks]) => {
  const decoder = new HeaderDecoder();
  for (const [hex, headers] of blocks) expect(decoder.decode(fromHex(hex))).toEqual(headers);
});

test("what was sent before is forgotten as the table gets smaller", () => {
  const decoder = new HeaderDecoder();
  const one = fromHex("4001 6101 62"); // a: b, to be remembered
  decoder.decode(one);
  expect(decoder.decode(fromHex("be"))).toEqual([["a", "b"]]);

  expect(() => decoder.decode(fromHex("20 be"))).toThrow("a header that was never sent, number 62");
  expect(() => decoder.decode(fromHex("3fe2 1f"))).toThrow("a header table that is larger than allowed");
});

test.for([
  ["a length that ends too early", "7f", "headers that end too early"],
  ["text that ends too early", "0005 6162", "headers that end too early"],
  ["a number that never ends", "ffff ffff ffff ff", "a number in the headers that is too large"],
  ["a broken code", "0081 00", "a header whose Huffman code is broken"],
] as const)("%s is refused", ([, hex, message]) => {
  expect(() => new HeaderDecoder().decode(fromHex(hex))).toThrow(message);
});

test("what is written is what is read, however long", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 300,
    size: "max",
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (headers) => {
      expect(new HeaderDecoder().decode(encodeHeaders(headers))).toEqual(headers);
    }),
    { numRuns: 50 },
  );
});

test.for([0, 126, 127, 128, 254, 255, 20_000, 3_000_000])("text of %i bytes is written with its length", (length) => {
  const headers: Header[] = [["name", "x".repeat(length)]];

  expect(new HeaderDecoder().decode(encodeHeaders(headers))).toEqual(headers);
});

describe("the Huffman code", () => {
  test("is short for what is frequent, and long for what is rare", () => {
    const codes = ["1f", "1c64", "ffc7", "ffffea", "ffffffcf", "fffffff3", "fffffff7", "fffffffb"];

    expect(codes.map((code) => decodeHuffman(fromHex(code))?.toString("latin1"))).toEqual([
      "a",
      "abc",
      "\0",
      "\t",
      "\u007f",
      "\n",
      "\r",
      "\u0016",
    ]);
  });

  test("may be filled up with ones, but not with a whole byte of them, and never has its end", () => {
    expect(decodeHuffman(fromHex("1fff"))).toBeUndefined();
    expect(decodeHuffman(fromHex("18"))).toBeUndefined();
    expect(decodeHuffman(fromHex("ffff ffff"))).toBeUndefined();
  });
});

test("whatever headers the platform's client sends come as they are", async () => {
  await using server = await openFaultServer(undefined, { http2: true });
  const session = connect(server.url);
  const name = fc.stringMatching(/^x-[a-z0-9]{1,8}$/);
  const value = fc.string({
    unit: fc
      .integer({ min: 0x21, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 60,
  });
  try {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 20 }), async (headers) => {
        const stream = session.request({ ...headers }, {
          sensitiveHeaders: Object.keys(headers).slice(0, 2),
        } as object);
        stream.resume();
        await once(stream, "close");
        expect(server.requests.at(-1)!.headers).toMatchObject(headers);
      }),
      { numRuns: 200 },
    );
  } finally {
    session.destroy();
  }
});
