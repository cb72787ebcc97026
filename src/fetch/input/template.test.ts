import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FieldProblem } from "./job-builder.ts";
import { type Row, Template, type TemplateKind, TemplateProblem } from "./template.ts";

/** A row of texts, as that of a table. */
function rowOf(fields: Readonly<Record<string, string>>): Row {
  const text = (name: string): string => {
    if (!Object.hasOwn(fields, name)) throw new FieldProblem(name, `\`${name}\` is missing`);
    return fields[name]!;
  };
  return { text, json: text };
}

function expand(template: string, fields: Readonly<Record<string, string>>, kind: TemplateKind = "url"): string {
  return new Template(template, kind).expand(rowOf(fields));
}

const anyText = fc.string({ unit: "binary" });

describe("a template of a URL", () => {
  test.each([
    ["https://a/{id}", { id: "a b/c?d#e%f" }, "https://a/a%20b%2Fc%3Fd%23e%25f"],
    [
      "https://a/?q={q}&r={q}",
      { q: "ä&=+'(*)!" },
      "https://a/?q=%C3%A4%26%3D%2B%27%28%2A%29%21&r=%C3%A4%26%3D%2B%27%28%2A%29%21",
    ],
    ["https://a/{first name}", { "first name": "x" }, "https://a/x"],
    ["https://a/{größe_1.x}", { "größe_1.x": "x" }, "https://a/x"],
    ["https://{host}/", { host: "evil.example/x" }, "https://evil.example%2Fx/"],
    ["{+url}", { url: "http://a/b c?d=ä%20%zz" }, "http://a/b%20c?d=%C3%A4%20%25zz"],
    ["https://a{+path}", { path: "/b/../c?d=e&f" }, "https://a/b/../c?d=e&f"],
    ["/items/{id}", { id: "7" }, "/items/7"],
    ["https://a/../{id}", { id: "7" }, "https://a/../7"],
    ["https://a/?q={q}", { q: ".." }, "https://a/?q=.."],
    ["https://a/{id}", { id: "..." }, "https://a/..."],
    ["https://a/{id}", { id: "\ud800" }, "https://a/%EF%BF%BD"],
  ])("%s with %j is %s", (template, fields, url) => {
    expect(expand(template, fields as Record<string, string>)).toBe(url);
  });

  test.each([
    ["https://a/{id}/delete", { id: ".." }],
    ["https://a/{id}", { id: "." }],
    ["https://a/{x}{id}?q", { x: ".", id: "." }],
    ["https://a/.{id}#x", { id: "." }],
  ])("%s with %j is refused, because it would lead to another URL", (template, fields) => {
    expect(() => expand(template, fields as Record<string, string>)).toThrow(/would lead to another URL/);
  });

  test.each(["https://a/{", "https://a/{}", "https://a/{id", "https://a/{{id}}", "ftp://a/{id}", "a/{id}", "nothing"])(
    "%s is refused as a whole",
    (template) => {
      expect(() => new Template(template, "url")).toThrow(TemplateProblem);
    },
  );

  test("carries any value from one place to the other side, and nothing beyond", () => {
    const wellFormed = anyText.filter((text) => text.isWellFormed() && !/^\.{1,2}$/.test(text));
    fc.assert(
      fc.property(wellFormed, wellFormed, (id, name) => {
        const url = new URL(expand("https://host.example/a/{id}/b?q={name}&r=1", { id, name }));
        expect(url.host).toBe("host.example");
        expect(url.searchParams.get("q")).toBe(name);
        expect(url.searchParams.get("r")).toBe("1");
        expect(url.hash).toBe("");
        expect(url.pathname.split("/").map(decodeURIComponent)).toEqual(["", "a", id, "b"]);
      }),
    );
  });
});

describe("a template of JSON", () => {
  test("escapes values within quotes, so that they come out as they went in", () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const text = expand('{"q": "Say \\"{name}\\" twice: {name}", "n": {}}', { name }, "json");
        expect(JSON.parse(text)).toEqual({ q: `Say "${name}" twice: ${name}`, n: {} });
      }),
    );
  });

  test("takes values outside of quotes for JSON, and leaves other braces alone", () => {
    const row = { text: () => "no", json: (name: string) => (name === "n" ? "5" : '{"x":[1]}') };
    const template = new Template('{"a": {n}, "b": [{o}], "\\\\": "{ n }", "c": {"n": 1}, "d": { "{"  : {}}}', "json");
    expect([...template.names]).toEqual(["n", "o"]);
    expect(template.expand(row)).toBe('{"a": 5, "b": [{"x":[1]}], "\\\\": "{ n }", "c": {"n": 1}, "d": { "{"  : {}}}');
  });

  test("takes {+name} as it stands", () => {
    expect(expand('{"a": {+x}, "b": "{+x}"}', { x: "[1]" }, "json")).toBe('{"a": [1], "b": "[1]"}');
  });
});

test("a template of a form encodes values, one of a header does not", () => {
  expect(expand("a={x}&b={+x}", { x: "1 &2" }, "form")).toBe("a=1%20%262&b=1 &2");
  expect(expand("Bearer {x}", { x: "1 &2" }, "header")).toBe("Bearer 1 &2");
});
