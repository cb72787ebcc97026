import fc from "fast-check";
import { expect, test } from "vitest";
import { TargetReader, withQuery } from "./target.ts";

const unknown = () => false;
const read = (url: string) => new TargetReader(undefined).read(url, unknown);

test("a URL is read alike whether its origin is known or not", () => {
  const piece = fc.constantFrom(
    ..."aZ09-._~!$&'()*+,;=:@%/?#[]^|<>\"`{}\\ä \t\n",
    ..."..|%2e|%2E%2e|/./|%zz|//|?|\u{1F600}|\0".split("|"),
  );
  const path = fc.array(piece).map((pieces) => pieces.join(""));
  const origin = fc.constantFrom(
    "http://host",
    "https://host:8443",
    "http://127.0.0.1:80",
    "HTTP://Host",
    "http://[::1]:81",
  );
  fc.assert(
    fc.property(origin, path, (start, rest) => {
      const reader = new TargetReader(undefined);
      const url = `${start}/${rest}`;
      // Only origins as the parser writes them are ever known.
      expect(reader.read(url, (text) => new URL(text).origin === text)).toEqual(reader.read(url, unknown));
    }),
    { numRuns: 2_000 },
  );
});

test("path and query go on the wire as the URL parser writes them, without the fragment", () => {
  expect(read("http://host").path).toBe("/");
  expect(read("http://host/a b?c=ä#d").path).toBe("/a%20b?c=%C3%A4");
  expect(read("http://host/a/../b?").path).toBe("/b?");
  expect(read("http://host?x").path).toBe("/?x");
});

test("credentials become a header, percent-decoded", () => {
  expect(read("https://me:p%40ss%zz@host/x")).toEqual({
    origin: "https://host",
    path: "/x",
    authorization: `Basic ${btoa("me:p@ss%zz")}`,
  });
});

test("URL objects are read and left as they are", () => {
  const url = new URL("https://me:pw@host/x#y");
  expect(new TargetReader(undefined).read(url, unknown).path).toBe("/x");
  expect(url.href).toBe("https://me:pw@host/x#y");
});

test.each([["javascript:alert(1)"], ["//host/x"], ["http://"], ["http://a b/"], [""], [3]])("%j is refused", (url) => {
  expect(() => new TargetReader(undefined).read(url as string, unknown)).toThrow(TypeError);
});

test("a refused URL is shown without user, password and query", () => {
  expect(() => read("ftp://me:secret@host/x?token=secret#secret")).toThrow(/got "ftp:\/\/\*\*\*@host\/x" \(string\)$/);
  expect(() => read("me:sec/ret@host?secret")).toThrow(/got "\*\*\*@host" \(string\)$/);
  expect(() => read("http://me:pass@[?token=@secret")).toThrow(/got "http:\/\/\*\*\*@" \(string\)$/);
});

test("a query is added to that of the URL", () => {
  expect(withQuery("/a", {})).toBe("/a");
  expect(withQuery("/a", { b: 1, c: "x y", d: [true, "&"], e: undefined, f: null, g: 2n })).toBe(
    "/a?b=1&c=x+y&d=true&d=%26&g=2",
  );
  expect(withQuery("/a?b=1", { c: 2 })).toBe("/a?b=1&c=2");
  expect(withQuery("/a?", new URLSearchParams("c=2"))).toBe("/a?c=2");
  expect(withQuery("/a?b&", new URLSearchParams("c=2"))).toBe("/a?b&c=2");
});
