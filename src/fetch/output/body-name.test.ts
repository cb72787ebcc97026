import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodyName } from "./body-name.ts";

describe("the name of the file of a body", () => {
  test.each([
    ["text/html; charset=utf-8", "/", "7.html"],
    ["Application/JSON", "/x.php", "7.json"],
    ["application/problem+json", "/", "7.json"],
    ["image/png", "/picture.jpg", "7.png"],
    ["application/octet-stream", "/a/archive.tar.GZ?v=1.2", "7.gz"],
    ["", "/a.b/c", "7.bin"],
    ["application/x-unknown", "/page.html?x=/y.z", "7.html"],
  ])("is the number and what is in it: %j, %j", (type, path, name) => {
    expect(bodyName(7, { "content-type": type }, path)).toBe(name);
  });

  test("does without a content type", () => {
    expect(bodyName(1, {}, "/report.pdf")).toBe("1.pdf");
    expect(bodyName(1, { "content-type": ["text/css", "text/html"] }, "/")).toBe("1.css");
  });

  test("is plain, and one for each number, whatever servers and lists say", () => {
    const text = fc.string({
      unit: fc.constantFrom(..."ab./\\?#%:;= \u0000\ud800é".split(""), "../", ".JSON", "+json"),
    });
    fc.assert(
      fc.property(fc.nat(), text, text, (index, type, path) => {
        expect(bodyName(index, { "content-type": type }, `/${path}`)).toMatch(new RegExp(`^${index}\\.[a-z\\d]{1,8}$`));
      }),
      { numRuns: 1_000 },
    );
  });
});
