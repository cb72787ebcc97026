import { moveOnAfter, taskGroup } from "taskwright";
import { HttpError } from "taskwright/http";

export interface StormOutcomes {
  ok: number;
  /** With an error of ours. */
  failed: number;
  /** Other errors. */
  readonly wrong: unknown[];
}

/** Asks `count` times at once, and cancels some of that at any moment. Returns when all have ended. */
export async function storm(count: number, ask: (i: number) => Promise<unknown>): Promise<StormOutcomes> {
  const outcomes: StormOutcomes = { ok: 0, failed: 0, wrong: [] };
  const one = async (i: number): Promise<void> => {
    try {
      if (i % 7 === 0) await moveOnAfter(i % 40, () => ask(i));
      else await ask(i);
      outcomes.ok++;
    } catch (error) {
      if (error instanceof HttpError) outcomes.failed++;
      else outcomes.wrong.push(error);
    }
  };
  await taskGroup((group) => {
    for (let i = 0; i < count; i++) group.spawn(() => one(i));
  });
  return outcomes;
}
