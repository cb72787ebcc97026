import fc from "fast-check";
import { expect, test } from "vitest";
import { type HeadersInput, mergeHeaders, withoutSecrets } from "./request-headers.ts";

test("headers come as an object, as pairs, or as web Headers", () => {
  const list = ["a", "1", "b", "2"];
  expect(mergeHeaders([], { A: "1", b: 2 })).toEqual(list);
  expect(mergeHeaders([], [["A", "1"], ["b", "2"]])).toEqual(list); // prettier-ignore
  expect(mergeHeaders([], new Headers({ A: "1", b: "2" }))).toEqual(list);
  expect(mergeHeaders([], new Map([["A", "1"], ["b", "2"]]))).toEqual(list); // prettier-ignore
});

test("a request's header takes the place of the session's, and undefined removes it", () => {
  const base = ["accept", "*/*", "x", "1", "y", "2"];
  expect(mergeHeaders(base, undefined)).toBe(base);
  expect(mergeHeaders(base, { X: ["3", "4"], Y: undefined })).toEqual(["accept", "*/*", "x", "3", "x", "4"]);
  expect(base).toEqual(["accept", "*/*", "x", "1", "y", "2"]);
});

test("no value can end its line, and no message shows a value", () => {
  const bad = fc.constantFrom("\r", "\n", "\0", "\u007f", "\u0100", "\u{1F600}");
  fc.assert(
    fc.property(fc.string(), bad, fc.string(), (before, character, after) => {
      const secret = `Bearer 53cr37 ${before}${character}${after}`;
      expect(() => mergeHeaders([], { authorization: secret })).toThrow(TypeError);
      expect(() => mergeHeaders([], { authorization: secret })).not.toThrow("53cr37");
    }),
  );
});

test.each<[string, unknown]>([
  ["a name with a space", { "a b": "1" }],
  ["a name with a colon", { "a:": "1" }],
  ["an empty name", { "": "1" }],
  ["a name with a line end", { "a\r\nb": "1" }],
  ["a header of the connection", { "Transfer-Encoding": "chunked" }],
  ["a value of another type", { a: { b: 1 } }],
  ["null", { a: null }],
  ["a text", "a: 1"],
])("%s is refused", (_name, headers) => {
  expect(() => mergeHeaders([], headers as HeadersInput)).toThrow(TypeError);
});

test("headers with credentials can be told from others", () => {
  const list = [
    "accept",
    "authorization",
    "authorization",
    "x",
    "cookie",
    "a=1",
    "b",
    "cookie",
    "proxy-authorization",
    "y",
  ];
  expect(withoutSecrets(list)).toEqual(["accept", "authorization", "b", "cookie"]);
});
