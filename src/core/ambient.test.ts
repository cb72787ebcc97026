import { AsyncResource } from "node:async_hooks";
import { expect, test } from "vitest";
import { cancelScope } from "../index.ts";

test("a scope lies in the platform's own slot, unless the plain way is asked for", async () => {
  const isInSlot = await cancelScope((scope) => {
    const resource = new AsyncResource("TEST") as AsyncResource & Record<symbol, unknown>;
    return Object.getOwnPropertySymbols(resource).some((symbol) => resource[symbol] === scope);
  });

  expect(isInSlot).toBe(process.env["TASKWRIGHT_CONTEXT"] !== "storage");
});
