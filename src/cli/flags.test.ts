import { describe, expect, test } from "vitest";
import { parseFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

const flags = {
  concurrency: { short: "c", value: "N", help: "" },
  header: { short: "H", value: "HEADER", isRepeatable: true, help: "" },
  quiet: { short: "q", help: "" },
  verbose: { short: "v", help: "" },
  timeout: { short: "t", also: ["m", "max-time"], value: "TIME", help: "" },
  progress: { value: "MODE", choices: ["auto", "bar", "none"], excludes: ["quiet"], help: "" },
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

  test("knows a flag by all of its names, and a letter only behind one dash", () => {
    for (const args of [["-t", "1"], ["-m1"], ["--max-time=1"], ["--timeout", "1"]]) {
      expect(parse(...args).get("timeout")).toBe("1");
    }
    expect(hintOf(() => parse("--m", "1"))).toContain("Unknown flag --m (");
    expect(hintOf(() => parse("--max-tme", "1"))).toContain("did you mean --max-time?");
  });

  test("keeps the order in which several flags were given", () => {
    const given = parse("-H", "a", "-t", "1", "--header", "b", "-c", "2");
    expect(given.allOf(["header", "timeout"])).toEqual([
      ["header", "a"],
      ["timeout", "1"],
      ["header", "b"],
    ]);
  });

  test("refuses values that are no choice, and flags that make no sense together", () => {
    expect(() => parse("--progress", "fast")).toThrow("Expected --progress to be auto, bar or none, got `fast`");
    expect(hintOf(() => parse("--progress", "bar", "-q"))).toBe("Got --quiet and --progress (give one or the other)");
  });

  test("says what a value should have been", () => {
    expect(() => parse("-c", "x").read("concurrency", "a number", () => undefined, 1)).toThrow(
      "Expected --concurrency to be a number, got `x`",
    );
  });
});
