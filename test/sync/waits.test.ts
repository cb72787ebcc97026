import { describe, expect, test } from "vitest";
import { ScopeClosedError, taskGroup } from "../../src/index.ts";
import { loopTurns, thrownBy, virtually } from "../core/helpers.ts";
import { waits } from "./waits.ts";

describe.for(Object.entries(waits))("%s", ([, make]) => {
  test(
    "of code that outlives its scope ends with it, and leaves the queue",
    virtually(async () => {
      const { of, wait } = make();
      const before = of.statistics();
      const { floating } = await taskGroup(async () => {
        const outcome = { floating: thrownBy(wait()) };
        await loopTurns();
        expect(of.statistics()).not.toEqual(before);
        return outcome;
      });

      expect(await floating).toBeInstanceOf(ScopeClosedError);
      expect(of.statistics()).toEqual(before);
    }),
  );

  test("works outside any run", async () => {
    const { of, wait, release } = make();
    const outcome = wait().then(
      () => "went on",
      (error: { code: string }) => error.code,
    );
    await loopTurns();
    const whileWaiting = of.statistics();
    await release();

    expect(await outcome).toMatch(/^(went on|BARRIER_ABORTED)$/);
    expect(of.statistics()).not.toEqual(whileWaiting);
  });
});
