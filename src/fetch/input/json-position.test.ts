import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { columnOfKey, locateJsonProblem } from "./json-position.ts";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("locateJsonProblem", () => {
  test.each([
    ['{"url": x}', 9, "The line is not JSON: expected a value, got `x`"],
    ["{url: 1}", 2, "The line is not JSON: expected a key in double quotes, got `u`"],
    ['{"a": 1,}', 9, "The line is not JSON: expected a key in double quotes, got `}`"],
    ['{"a" 1}', 6, "The line is not JSON: expected `:`, got `1`"],
    ['{"a": 1', 8, "The line is not JSON: expected `,` or `}`, the line ends"],
    ["[1 2]", 4, "The line is not JSON: expected `,` or `]`, got `2`"],
    ['{"a": "b\\x"}', 9, "The line is not JSON: expected an escape such as `\\n` or `\\u00e4`, got `\\`"],
    ['{"a": "b', 9, 'The line is not JSON: expected `"`, the line ends'],
    ['"a\tb"', 3, 'The line is not JSON: expected `"`, got the control character U+0009'],
    ["{} {}", 4, "The line is not JSON: expected the end of the line, got `{`"],
    ["", 1, "The line is not JSON: expected a value, the line ends"],
  ])("says where %s goes wrong", (text, column, message) => {
    expect(isJson(text)).toBe(false);
    expect(locateJsonProblem(text)).toEqual({ column, message });
  });

  test("finds a problem in exactly the texts that JSON.parse refuses", () => {
    const mutated = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom("", '"', "{", "}", "[", "]", ",", ":", "\\", "0", "-", " ", "\t", "x"),
      )
      .map(([text, at, other]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + other + text.slice(place + 1);
      });
    fc.assert(
      fc.property(mutated, (text) => {
        const { message, column } = locateJsonProblem(text);
        expect(message === "").toBe(isJson(text));
        expect(column).toBeLessThanOrEqual(text.length + 1);
      }),
      { numRuns: 2_000 },
    );
  });

  test("does not overflow the stack on deep nesting", () => {
    expect(locateJsonProblem("[".repeat(1_000_000)).column).toBe(1_000_001);
  });
});

describe("columnOfKey", () => {
  test("finds keys of the top level only, escaped ones too", () => {
    const text = '{"a": {"b": 1}, "\\u0062": [ {"c": 2} ], "d": 3}';
    expect([columnOfKey(text, "a"), columnOfKey(text, "b"), columnOfKey(text, "d")]).toEqual([2, 17, 41]);
    expect(columnOfKey(text, "c")).toBeUndefined();
  });
});
