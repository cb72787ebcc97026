/** How the scope of the running code is carried: in the platform's slot, or where that cannot be in the plain way. */
import { describe, expect, test } from "vitest";
import { runProgram } from "./program.ts";

const patienceMs = 30_000;

/** A platform that does something else with objects in the slot that are not its own Maps. */
const otherPlatform = (instead: string): string => `
  import { AsyncResource } from "node:async_hooks";
  import { isMap } from "node:util/types";
  const { runInAsyncScope } = AsyncResource.prototype;
  const fresh = new AsyncResource("FRESH");
  AsyncResource.prototype.runInAsyncScope = function (...args) {
    const kept = Object.getOwnPropertySymbols(this).map((symbol) => this[symbol]);
    if (kept.some((value) => typeof value?.get === "function" && !isMap(value))) ${instead};
    return runInAsyncScope.apply(this, args);
  };`;
const pickyPlatform = otherPlatform('throw new TypeError("This is no Map")');
const deafPlatform = otherPlatform("return runInAsyncScope.apply(fresh, args)");

const ways: readonly [string, string, readonly string[], object][] = [
  ["in the slot", "on Node as it is", [], {}],
  ["in a storage", "where that is asked for", [], { TASKWRIGHT_CONTEXT: "storage" }],
  ["in a storage", "on a Node that has no such slot", ["--no-async-context-frame"], {}],
  ["in a storage", "on a platform that refuses other objects", ["--import", moduleOf(pickyPlatform)], {}],
  ["in a storage", "on a platform that does not ask them", ["--import", moduleOf(deafPlatform)], {}],
];

function moduleOf(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

describe.concurrent.for(ways)("a scope lies %s %s", { timeout: patienceMs }, ([place, , options, variables]) => {
  test("as the program can see", async () => {
    expect(await runProgram("whereScopesLie", options, variables)).toEqual({
      exitCode: 0,
      stdout: [place],
      stderr: "",
    });
  });

  test("and whoever loads and uses the package first leaves nothing of its own context in it", async () => {
    expect(await runProgram("firstContext", options, variables)).toEqual({
      exitCode: 0,
      stdout: ["undefined", "undefined"],
      stderr: "",
    });
  });

  test("and a callback bound to the root sees what was there when it was bound, and the scope of the root", async () => {
    expect(await runProgram("callsBound", options, variables)).toEqual({
      exitCode: 0,
      stdout: ["ada ADA Infinity", "undefined nobody Infinity", "undefined nobody"],
      stderr: "",
    });
  });

  test("and two copies of the package, one inside the other, each see their own scopes and variables", async () => {
    expect(await runProgram("twoCopies", options, variables)).toEqual({
      exitCode: 0,
      stdout: ["40 50 mine theirs", "40 50 mine theirs", "40 50 mine theirs"],
      stderr: "",
    });
  });
});
