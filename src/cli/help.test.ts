import { expect, test } from "vitest";
import { exitCode } from "./exit-code.ts";
import { fetchFlags } from "./fetch-flags.ts";
import { fetchHelp } from "./fetch-help.ts";
import { help } from "./help.ts";

test("no line of the help is longer than 80 characters", () => {
  for (const line of `${help}\n${fetchHelp()}`.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("the help of fetch tells every flag and every exit code", () => {
  for (const name of Object.keys(fetchFlags)) expect(fetchHelp()).toContain(`--${name}`);
  for (const code of Object.values(exitCode)) expect(fetchHelp()).toMatch(new RegExp(`\\b${code} `));
});
