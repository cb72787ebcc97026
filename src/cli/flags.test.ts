import { describe, expect, test } from "vitest";
import { parseFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

const flags = {
  concurrency: { short: "c", value: "N", help: "" },
  header: { short: "H", value: "HEADER", isRepeatable: true, help: "" },
  quiet: { short: "q", help: "" },
  verbose: { short: "v", help: "" },
} as const;

const parse = (...args: string[]) => parseFlags("fetch", flags, args);

function hintOf(fn: () => unknown): string | undefined {
  try {
    fn();
  } catch (error) {
    if (error instanceof UsageError) return `${error.message} (${error.hint})`;
  }
  return undefined;
}

describe("parseFlags", () => {
  test("reads flags in every spelling of getopt, and the rest in order", () => {
    const given = parse("a", "-c5", "--header=x: 1", "-qv", "-H", "y: 2", "--", "-z");
    expect(given.get("concurrency")).toBe("5");
    expect(given.all("header")).toEqual(["x: 1", "y: 2"]);
    expect([given.has("quiet"), given.has("verbose")]).toEqual([true, true]);
    expect(given.positionals).toEqual(["a", "-z"]);
  });

  test("takes the last value of a flag that is given twice", () => {
    expect(parse("-c", "1", "--concurrency", "2").get("concurrency")).toBe("2");
  });

  test("suggests the flag that was probably meant", () => {
    expect(hintOf(() => parse("--concurency", "5"))).toBe(
      "Unknown flag --concurency (did you mean --concurrency? `taskwright fetch --help` lists all flags)",
    );
    expect(hintOf(() => parse("-z"))).toBe("Unknown flag -z (`taskwright fetch --help` lists all flags)");
    expect(hintOf(() => parse("--constructor"))).toContain("Unknown flag --constructor");
  });

  test("says which value is missing, or too much", () => {
    expect(() => parse("-c")).toThrow("-c needs a value: N");
    expect(() => parse("--quiet=yes")).toThrow("--quiet takes no value, got `yes`");
  });

  test("says what a value should have been", () => {
    expect(() => parse("-c", "x").read("concurrency", "a number", () => undefined, 1)).toThrow(
      "Expected --concurrency to be a number, got `x`",
    );
  });
});
