import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redactUrl, TargetParser } from "./target.ts";

const parse = (text: string) => new TargetParser().parse(text);

describe("TargetParser", () => {
  test("splits a URL into origin, and path with query, and drops the fragment", () => {
    expect(parse("http://Example.com:80/a/../b?c=1#d")).toEqual({
      origin: "http://example.com",
      path: "/b?c=1",
      url: "http://Example.com:80/a/../b?c=1#d",
      isPlain: false,
      authorization: undefined,
    });
  });

  test("turns credentials into a header, and shows the URL without them", () => {
    expect(parse("https://me:p%40ss@host/x")).toEqual({
      origin: "https://host",
      path: "/x",
      url: "https://host/x",
      isPlain: false,
      authorization: `Basic ${btoa("me:p@ss")}`,
    });
  });

  test.each([
    ["example.com/x", "Expected a URL with a scheme, got `example.com/x`: did you mean `https://example.com/x`?"],
    ["ftp://host/x", "Expected an http or https URL, got `ftp://host/x`"],
    ["http://[bad", "Expected an http or https URL, got `http://[bad`"],
    ["http://me:secret@[bad", "Expected an http or https URL, got `http://***@[bad`"],
    ["http://a b", "A URL cannot contain spaces: write a space as %20, and one URL a line"],
  ])("refuses %s", (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  test("gives for the second URL of an origin what the URL parser gives", () => {
    const path = fc.array(
      fc.constantFrom(..."aZ09-._~!$&'()*+,;=:@%/?#[]^|<>\"`{}\\ä", "..", "%2e", "%2E%2e", "/./", "%zz", "//"),
    );
    fc.assert(
      fc.property(path, (parts) => {
        const parser = new TargetParser();
        parser.parse("http://host:81/first");
        const text = `http://host:81/${parts.join("")}`;
        const url = new URL(text);
        url.hash = "";
        const target = parser.parse(text);
        expect(target.isPlain && JSON.stringify(target.url) !== `"${target.url}"`).toBe(false);
        expect(target).toMatchObject({ origin: url.origin, path: url.href.slice(url.origin.length) });
      }),
      { numRuns: 2_000 },
    );
  });

  test("is not misled by a URL that only begins like the last origin", () => {
    const parser = new TargetParser();
    parser.parse("http://host/");
    expect(parser.parse("http://host.example/x").origin).toBe("http://host.example");
    expect(parser.parse("http://host@other/x").origin).toBe("http://other");
    expect(parser.parse("http://host:81/x").origin).toBe("http://host:81");
  });
});

describe("redactUrl", () => {
  test("leaves no password in any text, wrong URLs included", () => {
    const around = fc.string({ unit: fc.constantFrom(..."/:@?#[]a. ") });
    fc.assert(
      fc.property(around, around, (before, after) => {
        const text = `http://${before}me:secret@${after}`;
        const url = /\s/.test(text) ? null : URL.parse(text);
        const isWrong = url === null || url.host === "";
        // Behind a slash it is a path, such as that of a scoped package; without credentials nothing is changed.
        const isPath = !isWrong && (url.pathname + url.search + url.hash).includes("secret");
        const isPlain = !isWrong && url.username + url.password === "";
        expect(redactUrl(text).includes("secret")).toBe(isPath || isPlain);
      }),
      { numRuns: 2_000, examples: [["./", "/.."]] },
    );
  });

  test("takes two URLs in a line for two", () => {
    expect(redactUrl("http://a/ http://me:secret@b/x")).toBe("http://***@b/x");
    expect(redactUrl("http://me:secret@a/\ufeffhttp://me:secret@b/x")).toBe("http://***@b/x");
  });

  test("takes no user for a scheme", () => {
    expect(redactUrl("secret:@host/x")).toBe("***@host/x");
    expect(redactUrl("http:/secret:secret@[")).toBe("***@[");
  });

  test("leaves an @ in the path alone", () => {
    expect(redactUrl("https://host/@scope/name")).toBe("https://host/@scope/name");
  });
});
