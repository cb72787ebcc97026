import { expect, test } from "vitest";
import { exitCode } from "./exit-code.ts";
import { fetchFlags } from "./fetch-flags.ts";
import { longHelp, shortHelp } from "./fetch-help.ts";

const plain = (width: number) => ({ width, isBold: false });

test.each([80, 100])("no line of the help is longer than %i characters", (width) => {
  for (const line of `${shortHelp(plain(width))}\n${longHelp(plain(width))}`.split("\n")) {
    expect(line.length, line).toBeLessThanOrEqual(width);
  }
});

test("the help has no line that could be shorter where it is narrow", () => {
  const lines = longHelp(plain(40)).split("\n");
  // URLs and commands are not broken.
  const long = lines.filter((line) => line.length > 40 && !/(?:https?|postgres):|taskwright fetch|seq -f/.test(line));
  expect(long).toEqual([]);
});

test("the short help fits a screen of 24 lines, with the prompt below", () => {
  expect(shortHelp(plain(80)).split("\n").length).toBeLessThan(24);
});

test("the long help tells every flag in full, and every exit code", () => {
  const text = longHelp(plain(80)).replaceAll(/\s+/g, " ");
  for (const [name, { help, more = "" }] of Object.entries(fetchFlags)) {
    expect(text).toContain(`--${name}`);
    expect(text).toContain(`${help} ${more}`.trim());
  }
  for (const code of Object.values(exitCode)) expect(text).toMatch(new RegExp(` ${code} `));
});
