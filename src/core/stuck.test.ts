import { expect, test } from "vitest";
import { warningsOf } from "../../test/core/helpers.ts";
import { cancelScope, shield, sleep } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

/** Warnings about a scope that is cancelled when it has just begun to clean up, while virtual time passes. */
async function warningsOfCleanup(cleanUp: () => Promise<unknown>): Promise<string[]> {
  const warnings = await warningsOf(() =>
    withVirtualTime(() =>
      cancelScope(async (scope) => {
        const cleaning = cleanUp();
        scope.cancel();
        await cleaning;
      }),
    ),
  );
  return warnings.map(({ code }) => code ?? "");
}

test("cleanup that takes exactly as long as is waited for it is not stuck", async () => {
  expect(await warningsOfCleanup(() => shield(() => sleep(1_000)))).toEqual([]);
});

test("nor is one that wakes up at that moment, and then waits again", async () => {
  expect(await warningsOfCleanup(() => shield(() => sleep(1_000).then(() => sleep(5_000))))).toEqual([]);
});
