import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../core/index.ts";
import { settle } from "../flow/index.ts";
import { Event } from "../sync/index.ts";
import { freshDatabase } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { ConstraintError, type Database, DatabaseClosedError, type Queryable, SerializationError } from "./index.ts";

let server: Postgres;
let db: Database;
beforeAll(async () => {
  server = await startPostgres();
  db = await freshDatabase(server, { max: 3 });
  await db.execute("create table t (n int primary key deferrable initially deferred, note text)");
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const inTree = <T>(fn: () => Promise<T>): Promise<T> =>
  run(
    async () => {
      await db.execute("truncate t");
      return await fn();
    },
    { signals: false },
  );
const numbers = async (): Promise<unknown[]> => (await db.fetch("select n from t order by n")).map(({ n }) => n);
const idle = { inUse: 0, waiting: 0 };

test("what a transaction has done is there when it returns, with the value of its function", () =>
  inTree(async () => {
    const value = await db.transaction(async (tx) => {
      await tx.execute("insert into t values ($1)", [1]);
      expect(await numbers()).toEqual([]);
      return "value";
    });

    expect(value).toBe("value");
    expect(await numbers()).toEqual([1]);
  }));

test("an error of its function rolls a transaction back, and is thrown as it is", () =>
  inTree(async () => {
    const error = new Error("on purpose");
    const failing = db.transaction(async (tx) => {
      await tx.execute("insert into t values (1)");
      throw error;
    });

    await expect(failing).rejects.toBe(error);
    await expect(db.transaction(() => Promise.reject(error))).rejects.toBe(error);
    await expect(
      db.transaction(() => {
        throw error;
      }),
    ).rejects.toBe(error);
    expect(await numbers()).toEqual([]);
    expect(db.statistics()).toMatchObject(idle);
  }));

test("a nested transaction is rolled back alone", () =>
  inTree(async () => {
    await db.transaction(async (tx) => {
      await tx.execute("insert into t values (1)");
      const inner = tx.transaction(async (nested) => {
        await nested.execute("insert into t values (2)");
        await nested.transaction((deepest) => deepest.execute("insert into t values (3)"));
        await nested.execute("select wrong");
      });
      await expect(inner).rejects.toMatchObject({ code: "SQL_QUERY", sqlState: "42703" });
      await tx.execute("insert into t values (4)");
    });

    expect(await numbers()).toEqual([1, 4]);
  }));

test("siblings that nest at once wait for each other", () =>
  inTree(async () => {
    const outcomes = await db.transaction((tx) =>
      settle(
        [0, 1, 2, 3, 4].map(
          (n) => () =>
            tx.transaction(async (nested) => {
              await nested.execute("insert into t values ($1)", [n]);
              if (n % 2 === 1) await nested.execute("select wrong");
            }),
        ),
      ),
    );

    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true, false, true]);
    expect(await numbers()).toEqual([0, 2, 4]);
  }));

test("an error that was caught in a transaction keeps it from being committed, and is not passed over", () =>
  inTree(async () => {
    const outcome = db.transaction(async (tx) => {
      await tx.execute("insert into t values (1)");
      await tx.execute("select wrong").catch(() => {});
    });

    await expect(outcome).rejects.toMatchObject({ sqlState: "25P02" });
    expect(await numbers()).toEqual([]);
    expect(db.statistics()).toMatchObject(idle);
  }));

test("what was meant for a transaction that a statement has ended is not committed by itself", () =>
  inTree(async () => {
    const outcome = db.transaction(async (tx) => {
      await tx.execute("insert into t values (1)");
      await tx.execute("rollback");
      await expect(tx.execute("insert into t values (2)")).rejects.toMatchObject({ sqlState: "25P01" });
      await expect(tx.transaction((own) => own.execute("insert into t values (3)"))).rejects.toMatchObject({
        sqlState: "25P01",
      });
      await expect(tx.stream("select 1").next()).rejects.toMatchObject({ sqlState: "25P01" });
    });
    await expect(outcome).rejects.toMatchObject({ sqlState: "25P01" });

    // Without a further statement it is told, too.
    const nested = db.transaction((tx) => tx.transaction((own) => own.execute("rollback")));
    await expect(nested).rejects.toMatchObject({ sqlState: "25P01" });
    expect(await numbers()).toEqual([]);
    expect(db.statistics()).toMatchObject(idle);
  }));

test("an error of the commit is thrown, and the connection is used on", () =>
  inTree(async () => {
    const outcome = db.transaction((tx) => tx.execute("insert into t values (1), (1)"));

    await expect(outcome).rejects.toThrow(ConstraintError);
    await expect(outcome).rejects.toMatchObject({ sqlState: "23505", constraint: "t_pkey", table: "t" });
    expect(await numbers()).toEqual([]);
    expect(db.statistics()).toMatchObject(idle);
  }));

test("a transaction that others got in the way of is run again", () =>
  inTree(async () => {
    await db.execute("insert into t values (1, ''), (2, '')");
    const bothHaveRead = new Event();
    let read = 0;
    let runs = 0;
    const swap = (from: number, to: number): Promise<unknown> =>
      db.transaction(
        async (tx) => {
          runs++;
          const note = await tx.fetchValue<string>("select note from t where n = $1", [from]);
          if (++read === 2) bothHaveRead.set();
          await bothHaveRead.wait();
          await tx.execute("update t set note = $1 where n = $2", [`${note}x`, to]);
        },
        { isolation: "serializable", retrySerialization: 5 },
      );

    await Promise.all([swap(1, 2), swap(2, 1)]);

    expect(runs).toBe(3);
    expect((await db.fetch("select note from t order by note")).map(({ note }) => note)).toEqual(["x", "xx"]);
  }));

test("without retries, the one that is given up says that it may be tried again", () =>
  inTree(async () => {
    await db.execute("insert into t values (1, '')");
    const outcome = db.transaction(
      async (tx) => {
        await tx.fetch("select * from t");
        await db.execute("update t set note = 'first' where n = 1");
        await tx.execute("update t set note = 'second' where n = 1");
      },
      { isolation: "repeatable read" },
    );

    await expect(outcome).rejects.toThrow(SerializationError);
    await expect(outcome).rejects.toMatchObject({ code: "SQL_SERIALIZATION", sqlState: "40001" });
  }));

test("a transaction that may only read does not write", () =>
  inTree(async () => {
    const outcome = db.transaction((tx) => tx.execute("insert into t values (1)"), { readOnly: true });

    await expect(outcome).rejects.toMatchObject({ sqlState: "25006" });
  }));

test("settings of a transaction that make no sense are refused", () =>
  inTree(async () => {
    await expect(db.transaction(() => 1, { isolation: "serializable; drop table t" as never })).rejects.toThrow(
      TypeError,
    );
    await expect(db.transaction(() => 1, { retrySerialization: -1 })).rejects.toThrow(RangeError);
    await expect(db.transaction((tx) => tx.transaction(() => 1, { readOnly: true }))).rejects.toThrow(/outermost/);
  }));

test("a transaction that has ended cannot be used, nor the outer one within the inner", () =>
  inTree(async () => {
    let kept: Queryable | undefined;
    await db.transaction(async (tx) => {
      kept = tx;
      await tx.transaction(async () => {
        await expect(tx.fetch("select 1")).rejects.toThrow(/Inside a transaction/);
      });
    });

    await expect(kept!.fetch("select 1")).rejects.toThrow(DatabaseClosedError);
  }));

test("a connection of one's own keeps its settings to itself", () =>
  inTree(async () => {
    let pid: unknown;
    {
      await using own = await db.acquire();
      pid = await own.fetchValue("select pg_backend_pid()");
      await own.execute("set application_name = 'mine'; create temp table mine (n int)");
      await own.transaction((tx) => tx.execute("insert into mine values (1)"));
      expect(await own.fetchValue("select count(*) from mine")).toBe(1);
    }

    const rows = await Promise.all(
      [1, 2, 3].map(() =>
        db.fetchRow("select pg_backend_pid() as pid, current_setting('application_name') as name, pg_sleep(0.02)"),
      ),
    );
    expect(rows.map((row) => row!["pid"])).toContain(pid);
    for (const row of rows) expect(row!["name"]).toBe("");
    await expect(db.fetch("select * from mine")).rejects.toMatchObject({ sqlState: "42P01" });
  }));

test("a connection that is given back in a transaction is closed", () =>
  inTree(async () => {
    const own = await db.acquire();
    await own.execute("begin");
    await own.execute("insert into t values (1)");
    await own[Symbol.asyncDispose]();

    expect(await numbers()).toEqual([]);
    expect(db.statistics()).toMatchObject(idle);
  }));
