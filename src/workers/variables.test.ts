import { describe, expect, test } from "vitest";
import * as tasks from "../../test/workers/tasks.ts";
import { ContextVar, run } from "../index.ts";
import { openProcessPool, openThreadPool } from "./index.ts";

/** A variable of the same name that another module has made. */
const foreign = new ContextVar<string>("tenant");
/** Two of one name, which nothing tells apart. */
const twins = [new ContextVar<string>("twin"), new ContextVar<string>("twin")];

class Connection {
  readonly host: string = "localhost";
}

describe.each([
  ["threads", openThreadPool],
  ["processes", openProcessPool],
])("context variables in %s", (_kind, open) => {
  test("are there where their values are data, before and after a wait, and for that call alone", async () => {
    await using pool = open({ size: 1 });

    const seen = await tasks.tenant.run("t-1", () =>
      tasks.limits.run({ perSecond: [1, 2] }, () => pool.run(tasks.seeVariables)),
    );

    expect(seen).toEqual(["t-1", { perSecond: [1, 2] }, "t-1", { perSecond: [1, 2] }]);
    expect(await pool.run(tasks.seeVariables)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("are there although the worker has not loaded their module when the call comes", async () => {
    await using pool = open({ size: 1 });
    const other = { module: new URL("../../test/workers/late-variable.ts", import.meta.url), name: "seeLate" };

    const { late } = await import("../../test/workers/late-variable.ts");

    expect(await late.run("in time", () => pool.run(other))).toBe("in time");
  });

  test("are there in streams, in maps, and beside arguments whose memory moves", async () => {
    await using pool = open({ size: 1 });

    await tasks.tenant.run("t-2", async () => {
      expect(await Array.fromAsync(pool.stream(tasks.yieldTenant, 3))).toEqual(["t-2", "t-2", "t-2"]);
      expect(await pool.map([1, 2], tasks.tenantOf)).toEqual(["t-2 of 1", "t-2 of 2"]);
    });
  });

  test("stay behind where their values cannot be copied as they are, and fail no call", async () => {
    await using pool = open({ size: 1 });

    for (const value of [() => 1, new Connection(), Promise.resolve(), Object.create(null), new URL("http://a/")]) {
      const seen = await tasks.tenant.run("t-3", () =>
        tasks.limits.run(value as object, () => pool.run(tasks.seeVariables)),
      );
      expect(seen).toEqual(["t-3", undefined, "t-3", undefined]);
    }
  });

  test("are not taken for others of their name", async () => {
    await using pool = open({ size: 1 });

    const seen = await foreign.run("foreign", () =>
      twins[0]!.run("one", () => twins[1]!.run("two", () => pool.run(tasks.seeVariables))),
    );

    expect(seen).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("follow the call through a run, as it was bound where it was made", async () => {
    await using pool = open({ size: 1 });

    const seen = await run(() => tasks.tenant.run("t-4", () => pool.run(tasks.seeVariables)), { signals: false });

    expect(seen[0]).toBe("t-4");
  });
});
