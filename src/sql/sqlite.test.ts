import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cancelScope, moveOnAfter, run, sleep, taskGroup } from "../index.ts";
import { now } from "../core/index.ts";
import {
  BusyError,
  ConnectError,
  ConstraintError,
  type Database,
  DatabaseClosedError,
  NotSupportedError,
  QueryError,
  connect,
  sql,
} from "./index.ts";

let folder: string;
let files = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "taskwright-sqlite-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function newFile(): string {
  return join(folder, `${++files}.db`);
}

/** Runs `fn` with a database that has the table `t (id integer primary key, name text)`. */
async function withDatabase<T>(fn: (db: Database) => Promise<T>, url = `sqlite:${newFile()}`): Promise<T> {
  return await run(
    async () => {
      await using db = await connect(url);
      await db.execute("create table t (id integer primary key, name text)");
      return await fn(db);
    },
    { signals: false },
  );
}

async function namesOf(db: Database): Promise<string[]> {
  return (await db.fetch<{ name: string }>("select name from t order by id")).map(({ name }) => name);
}

/** Reads to the end, and says how many rows there were. */
async function drain(rows: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const row of rows) if (row !== undefined) count++;
  return count;
}

/** 10,000 rows, and perhaps an error behind them. */
async function* source(fails: boolean): AsyncGenerator<readonly unknown[]> {
  for (let index = 0; index < 10_000; index++) {
    if (index % 1_000 === 0) await sleep(0);
    yield [index, `n${index}`];
  }
  if (fails) throw new Error("no more");
}

const places = [
  ["a file", () => `sqlite:${newFile()}`],
  ["memory", () => "sqlite::memory:"],
] as const;

describe.each(places)("a database of SQLite in %s", (_place, url) => {
  test("gives rows, the first row, and the first value of the first row", async () => {
    await withDatabase(async (db) => {
      expect(db.dialect).toBe("sqlite");
      expect(await db.executeMany("insert into t (name) values ($1)", [["a"], ["b"], ["c"]])).toBe(3);
      expect(await db.fetch("select * from t where id > $1", [1])).toEqual([
        { id: 2, name: "b" },
        { id: 3, name: "c" },
      ]);
      expect(await db.fetchRow(sql`select * from t where id = ${2}`)).toEqual({ id: 2, name: "b" });
      expect(await db.fetchValue("select name from t where id = $1", [3])).toBe("c");
      expect(await db.fetchRow("select * from t where id = 9")).toBeUndefined();
      expect(await db.fetchValue("select id from t where id = 9")).toBeUndefined();
      expect(await db.fetch("select * from t where id = 9")).toEqual([]);
    }, url());
  });

  test("counts the rows that a statement has changed or given, and none for others", async () => {
    await withDatabase(async (db) => {
      expect(await db.execute("insert into t (name) values ($1), ($2)", ["a", "b"])).toBe(2);
      expect(await db.execute("create table u (a)")).toBe(0);
      expect(await db.execute("update t set name = 'c'")).toBe(2);
      expect(await db.execute("select * from t")).toBe(2);
      expect(await db.execute("insert into t (name) values ('d'), ('e') returning id")).toBe(2);
      expect(await db.execute("-- all\n delete from t")).toBe(4);
      expect(await db.execute("with a as (select 1 as x) insert into t select x, 'f' from a")).toBe(1);
    }, url());
  });

  test("runs a script without values, all of it or nothing", async () => {
    await withDatabase(async (db) => {
      expect(await db.execute("insert into t values (1, 'a'); insert into t values (2, ';'); -- done;\n")).toBe(2);
      await expect(db.execute("insert into t values (3, 'b'); insert into t values (1, 'c')")).rejects.toThrow(
        ConstraintError,
      );
      expect(await namesOf(db)).toEqual(["a", ";"]);
      await expect(db.execute("select $1; select 2", [1])).rejects.toThrow("several statements");
      await expect(db.fetch("select 1; select 2")).rejects.toThrow("several statements");
      await db.execute("create trigger r after insert on t begin update t set name = 'r' where id = new.id; end;");
      await db.execute("insert into t values (4, 'd')");
      expect(await namesOf(db)).toEqual(["a", ";", "r"]);
    }, url());
  });

  test("streams rows, and lets go of the connection when the loop is left", async () => {
    await withDatabase(async (db) => {
      await db.copyInto(
        "t",
        ["name"],
        Array.from({ length: 5_000 }, (_, index) => [`n${index}`]),
      );
      const seen: unknown[] = [];
      for await (const row of db.stream("select * from t order by id", [], { batchRows: 7 })) {
        seen.push(row);
        if (seen.length === 20) break;
      }
      expect(seen.at(-1)).toEqual({ id: 20, name: "n19" });
      expect(await drain(db.stream("select * from t where id > $1", [1_000]))).toBe(4_000);
      for await (const row of db.stream("delete from t where id < 3 returning id")) expect(row).toBeDefined();
      expect(await db.fetchValue("select count(*) from t")).toBe(4_998);
      expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
    }, url());
  });

  test("streams rows while others write and lend the connection", async () => {
    await withDatabase(async (db) => {
      await db.copyInto("t", ["name"], [["a"], ["b"], ["c"]]);
      const seen: unknown[] = [];
      for await (const { name } of db.stream("select name from t order by id limit 3", [], { batchRows: 1 })) {
        seen.push(name);
        await db.execute("insert into t (name) values ($1)", [`after ${String(name)}`]);
        await db.transaction((tx) => tx.execute("update t set name = upper(name) where id < 0"));
        await using connection = await db.acquire();
        const unread = connection.stream("select * from t", [], { batchRows: 1 });
        expect((await unread.next()).value).toEqual({ id: 1, name: "a" });
      }
      expect(seen).toEqual(["a", "b", "c"]);
      expect(await db.fetchValue("select count(*) from t")).toBe(6);
    }, url());
  });

  test("ends the streams of a transaction with it", async () => {
    await withDatabase(async (db) => {
      await db.copyInto("t", ["name"], [["a"], ["b"], ["c"]]);
      const rows = await db.transaction(async (tx) => {
        const stream = tx.stream("select * from t", [], { batchRows: 1 });
        await stream.next();
        return stream;
      });
      await expect(rows.next()).rejects.toThrow(DatabaseClosedError);
      expect(await db.execute("drop table t")).toBe(0);
    }, url());
  });

  test("copies rows of an async iterable, all or none", async () => {
    await withDatabase(async (db) => {
      await expect(db.copyInto("t", ["id", "name"], source(true))).rejects.toThrow("no more");
      expect(await db.fetchValue("select count(*) from t")).toBe(0);
      expect(await db.copyInto("t", ["id", "name"], source(false))).toBe(10_000);
      expect(await db.fetchValue("select count(*) from t")).toBe(10_000);
      await expect(db.copyInto("t", ["id", "name"], source(false))).rejects.toThrow(ConstraintError);
      await expect(db.copyInto("t", ["id", "name"], [[-1, "a"], [-2]])).rejects.toThrow("2 values, got 1 in row 2");
      await expect(db.copyInto("nowhere", ["id"], [])).rejects.toThrow("no such table");
      expect(await db.fetchValue("select count(*) from t")).toBe(10_000);
    }, url());
  });

  test("commits what a transaction has done, and rolls back what it has not come to the end of", async () => {
    await withDatabase(async (db) => {
      expect(
        await db.transaction(async (tx) => {
          await tx.execute("insert into t values (1, 'a')");
          await expect(
            tx.transaction(async (inner) => {
              await inner.execute("insert into t values (2, 'b')");
              throw new Error("inner");
            }),
          ).rejects.toThrow("inner");
          await tx.transaction((inner) => inner.execute("insert into t values (3, 'c')"));
          return "value";
        }),
      ).toBe("value");
      expect(await namesOf(db)).toEqual(["a", "c"]);
      await expect(
        db.transaction(async (tx) => {
          await tx.execute("delete from t");
          throw new Error("outer");
        }),
      ).rejects.toThrow("outer");
      await cancelScope(async (scope) => {
        await db.transaction(async (tx) => {
          await tx.execute("delete from t");
          scope.cancel();
        });
      });
      expect(await namesOf(db)).toEqual(["a", "c"]);
      expect(db.statistics().inUse).toBe(0);
    }, url());
  });

  test("lets a transaction that only reads not write", async () => {
    await withDatabase(async (db) => {
      await expect(
        db.transaction((tx) => tx.execute("insert into t values (1, 'a')"), { readOnly: true }),
      ).rejects.toMatchObject({ code: "SQL_QUERY", sqlState: "SQLITE_READONLY" });
      expect(await db.transaction((tx) => tx.fetchValue("select count(*) from t"), { readOnly: true })).toBe(0);
      expect(await db.execute("insert into t values (1, 'a')")).toBe(1);
    }, url());
  });

  test("tells of a call inside a transaction that would wait for its end", async () => {
    await withDatabase(async (db) => {
      await expect(db.transaction(() => db.execute("delete from t"))).rejects.toThrow("Inside a transaction, use");
      await expect(db.transaction((tx) => tx.transaction(() => tx.execute("delete from t")))).rejects.toThrow(
        "Inside a transaction, use",
      );
      await expect(
        db.transaction(() => taskGroup((group) => void group.spawn(() => db.copyInto("t", ["id"], [[1]])))),
      ).rejects.toThrow("Inside a transaction, use");
      expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
    }, url());
  });

  test("refuses a transaction that has ended, and one that begins by hand", async () => {
    await withDatabase(async (db) => {
      const leaked = await db.transaction((tx) => tx);
      await expect(leaked.execute("delete from t")).rejects.toThrow(DatabaseClosedError);
      await expect(db.execute("begin")).rejects.toThrow(TypeError);
      await expect(db.transaction((tx) => tx.execute("commit"))).rejects.toThrow(TypeError);
      await expect(db.execute("delete from t; commit")).rejects.toThrow(TypeError);
    }, url());
  });

  test("lends a connection with its settings, and rolls back what is left open on it", async () => {
    await withDatabase(async (db) => {
      {
        await using connection = await db.acquire();
        await connection.execute("create temp table mine (a)");
        await connection.execute("begin");
        await connection.execute("insert into t values (1, 'a')");
        expect(await connection.fetchValue("select count(*) from t, (select count(*) from mine)")).toBe(1);
      }
      expect(await namesOf(db)).toEqual([]);
      const connection = await db.acquire();
      expect(await connection.transaction((tx) => tx.execute("insert into t values (2, 'b')"))).toBe(1);
      await connection[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
      await expect(connection.fetch("select 1")).rejects.toThrow(DatabaseClosedError);
      expect(await namesOf(db)).toEqual(["b"]);
    }, url());
  });

  test("sees other columns after a table has changed", async () => {
    await withDatabase(async (db) => {
      await db.execute("insert into t values (1, 'a')");
      expect(await db.fetch("select * from t")).toEqual([{ id: 1, name: "a" }]);
      await db.execute("alter table t rename column name to title");
      expect(await db.fetch("select * from t")).toEqual([{ id: 1, title: "a" }]);
      await db.execute("alter table t add column age integer default 3");
      expect(await db.fetch("select * from t")).toEqual([{ id: 1, title: "a", age: 3 }]);
    }, url());
  });

  test("lets 1,000 tasks read and write at once, and loses nothing", async () => {
    await withDatabase(async (db) => {
      const read: unknown[] = [];
      await taskGroup((group) => {
        for (let index = 0; index < 1_000; index++) {
          group.spawn(async () => {
            if (index % 10 === 0) {
              await db.transaction(async (tx) => {
                const count = (await tx.fetchValue<number>("select count(*) from t"))!;
                await tx.execute("insert into t (name) values ($1)", [`${count}`]);
              });
            } else if (index % 3 === 0) await db.execute("insert into t (name) values ('x')");
            else read[index] = await db.fetchValue("select $1", [index]);
          });
        }
      });
      expect(read.filter((value, index) => value === index).length).toBe(600);
      expect(await db.fetchValue("select count(*) from t")).toBe(100 + 300);
      // A count that two transactions had both read would stand there twice.
      expect(await db.fetchValue("select count(distinct name) from t where name != 'x'")).toBe(100);
    }, url());
  });

  test("ends with what it was asked, and refuses what comes then", async () => {
    await run(async () => {
      const db = await connect(url());
      const before = db.fetchValue("select 1");
      await sleep(0);
      await db[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
      expect(await before).toBe(1);
      await expect(db.fetch("select 1")).rejects.toThrow(DatabaseClosedError);
      await expect(db.transaction(() => {})).rejects.toThrow(DatabaseClosedError);
      await expect(db.acquire()).rejects.toThrow(DatabaseClosedError);
      expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
    });
  });
});

test("settings and temporary tables of a lent connection go with it", async () => {
  await withDatabase(async (db) => {
    {
      await using connection = await db.acquire();
      await connection.execute("pragma foreign_keys = off");
      await connection.execute("create temp table mine (a)");
    }
    await using connection = await db.acquire();
    expect(await connection.fetchValue("pragma foreign_keys")).toBe(1);
    await expect(connection.fetch("select * from mine")).rejects.toThrow("no such table");
    expect(await connection.fetchValue("pragma journal_mode")).toBe("wal");
    expect(await connection.fetchValue("pragma synchronous")).toBe(2);
  });
});

test("a database that is closed rolls back the transactions that are under way", async () => {
  const file = newFile();
  await withDatabase(async (other) => {
    const db = await connect(`sqlite:${file}`);
    const begun = Promise.withResolvers<void>();
    await taskGroup(async (group) => {
      const task = group.spawn(() =>
        db
          .transaction(async (tx) => {
            await tx.execute("insert into t values (1, 'never')");
            begun.resolve();
            await closed.promise;
            await tx.execute("insert into t values (2, 'never')");
          })
          .catch((error: unknown) => error),
      );
      const closed = Promise.withResolvers<void>();
      await begun.promise;
      await db[Symbol.asyncDispose]();
      closed.resolve();
      expect(await task.join()).toBeInstanceOf(DatabaseClosedError);
    });
    expect(await namesOf(other)).toEqual([]);
    expect(await other.execute("insert into t values (3, 'c')")).toBe(1);
  }, `sqlite:${file}`);
});

test("a transaction that nobody awaits is rolled back when its scope ends", async () => {
  await withDatabase(async (db) => {
    await taskGroup(async () => {
      const begun = Promise.withResolvers<void>();
      const forgotten = db.transaction(async (tx) => {
        await tx.execute("insert into t values (1, 'never')");
        begun.resolve();
        await sleep(Infinity);
      });
      forgotten.catch(() => {});
      await begun.promise;
    });
    expect(await db.execute("insert into t values (2, 'b')")).toBe(1);
    expect(await namesOf(db)).toEqual(["b"]);
    expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
  });
});

describe("what SQLite refuses", () => {
  test("tells which constraint was broken, where SQLite says so", async () => {
    await withDatabase(async (db) => {
      await db.execute(`create table c (a text not null, b integer unique, d integer references t (id),
        constraint positive check (b > 0), unique (a, d))`);
      await db.execute("insert into c values ('a', 1, null)");
      const failure = async (query: string): Promise<unknown> =>
        await db.execute(query).catch((error: unknown) => error);
      const common = { name: "ConstraintError", code: "SQL_CONSTRAINT" };
      expect(await failure("insert into c values ('b', 1, null)")).toMatchObject({
        ...common,
        sqlState: "SQLITE_CONSTRAINT_UNIQUE",
        table: "c",
        column: "b",
      });
      expect(await failure("insert into c values (null, 2, null)")).toMatchObject({
        ...common,
        sqlState: "SQLITE_CONSTRAINT_NOTNULL",
        table: "c",
        column: "a",
      });
      expect(await failure("insert into c values ('b', 0, null)")).toMatchObject({
        ...common,
        sqlState: "SQLITE_CONSTRAINT_CHECK",
        constraint: "positive",
      });
      expect(await failure("insert into c values ('b', 3, 9)")).toMatchObject({
        ...common,
        sqlState: "SQLITE_CONSTRAINT_FOREIGNKEY",
        table: undefined,
      });
      await db.execute("insert into t values (5, 'five')");
      await db.execute("insert into c values ('b', 4, 5)");
      expect(await failure("insert into c values ('b', 5, 5)")).toMatchObject({
        ...common,
        sqlState: "SQLITE_CONSTRAINT_UNIQUE",
        table: "c",
        column: undefined,
      });
    });
  });

  test("shows the text of a query and never its values", async () => {
    await withDatabase(async (db) => {
      const error: unknown = await db.execute("insert into nowhere values ($1)", ["secret"]).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(QueryError);
      expect(error).toMatchObject({ query: "insert into nowhere values ($1)", sqlState: "SQLITE_ERROR" });
      expect(String((error as Error).stack) + JSON.stringify(error)).not.toContain("secret");
    });
  });

  test("says what only Postgres can", async () => {
    await withDatabase(async (db) => {
      expect(() => db.listen("a")).toThrow(NotSupportedError);
      expect(() => db.copyFrom("t")).toThrow(NotSupportedError);
      await expect(db.transaction(() => {}, { isolation: "repeatable read" })).rejects.toThrow(NotSupportedError);
      expect(await db.transaction(() => 1, { isolation: "serializable" })).toBe(1);
      await expect(db.transaction(() => {}, { isolation: "x" as never })).rejects.toThrow(TypeError);
      await expect(db.transaction((tx) => tx.transaction(() => {}, { readOnly: true }))).rejects.toThrow(TypeError);
    });
  });

  test("refuses wrong arguments at the door", async () => {
    await withDatabase(async (db) => {
      await expect(db.fetch("select $1")).rejects.toThrow("Expected 1 values");
      await expect(db.fetch("select 1", [1])).rejects.toThrow("Expected 0 values");
      await expect(db.fetch("select ?", [1])).rejects.toThrow("as $1, $2");
      await expect(db.fetch(7 as never)).rejects.toThrow(TypeError);
      await expect(db.fetch("select 1\0; drop table t")).rejects.toThrow(TypeError);
      await expect(db.executeMany("delete from t", [[]])).rejects.toThrow(TypeError);
      await expect(db.executeMany("select $1", [1 as never])).rejects.toThrow("an array of values");
      await expect(db.copyInto("t", [], [])).rejects.toThrow(TypeError);
      expect(() => db.stream("select 1", [], { batchRows: 0 })).toThrow(RangeError);
      for (const value of [Number.NaN, 2n ** 63n, () => {}, Symbol("a"), new Date(Number.NaN)]) {
        await expect(db.fetchValue("select $1", [value])).rejects.toThrow(/Expected/);
      }
    });
    await run(async () => {
      for (const url of ["sqlite:", "sqlite://relative.db", "mysql:x"])
        await expect(connect(url)).rejects.toThrow(TypeError);
      await expect(connect("sqlite::memory:", { readers: -1 })).rejects.toThrow(RangeError);
      await expect(connect("sqlite::memory:", { busyMs: -1 })).rejects.toThrow(RangeError);
      await expect(connect("sqlite::memory:", { synchronous: "x" as never })).rejects.toThrow(TypeError);
    });
  });

  test("says why a file cannot be opened", async () => {
    await run(async () => {
      await expect(connect(`sqlite:${join(folder, "nowhere", "x.db")}`)).rejects.toMatchObject({
        code: "SQL_CONNECT",
        sqlState: "SQLITE_CANTOPEN",
      });
      await expect(connect(`sqlite:${import.meta.filename}`)).rejects.toThrow(ConnectError);
    });
  });
});

/** Big integers come as numbers where they are exact. */
const expected = (value: unknown): unknown =>
  typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;

describe("values of SQLite", () => {
  const values = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string().map((text) => `${text}\0'"; drop table t; --`),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.uint8Array(),
    fc.constant(null),
  );

  test("come back as they went, by every way in and every way out", async () => {
    await withDatabase(async (db) => {
      await db.execute("create table v (n integer primary key, a)");
      await fc.assert(
        fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 40 }), async (list) => {
          await db.execute("delete from v");
          const [first, ...others] = list;
          const half = Math.floor(others.length / 2);
          await db.execute("insert into v values ($1, $2)", [0, first]);
          await db.executeMany(
            "insert into v values ($1, $2)",
            others.slice(0, half).map((value, index) => [index + 1, value]),
          );
          await db.copyInto(
            "v",
            ["n", "a"],
            others.slice(half).map((value, index) => [index + half + 1, value]),
          );
          const rows = list.map(expected);
          expect((await db.fetch<{ a: unknown }>("select a from v order by n")).map(({ a }) => a)).toEqual(rows);
          expect(await db.fetchValue("select a from v where n = $1", [0])).toEqual(rows[0]);
          const streamed: unknown[] = [];
          for await (const row of db.stream<{ a: unknown }>("select a from v order by n", [], { batchRows: 3 })) {
            streamed.push(row.a);
          }
          expect(streamed).toEqual(rows);
        }),
        { numRuns: 60 },
      );
    });
  });

  test("are what the table of types says", async () => {
    await withDatabase(async (db) => {
      const read = async (value: unknown): Promise<unknown> => await db.fetchValue("select $1", [value]);
      expect(await read(true)).toBe(1);
      expect(await read(false)).toBe(0);
      expect(await read(undefined)).toBeNull();
      expect(await read(new Date(0))).toBe("1970-01-01T00:00:00.000Z");
      expect(await read({ a: [1] })).toBe('{"a":[1]}');
      expect(await read([1, "b"])).toBe('[1,"b"]');
      expect(await read(Buffer.from("ab"))).toEqual(new Uint8Array([97, 98]));
      expect(await read(-0)).toBe(-0);
      expect(await read(Infinity)).toBe(Infinity);
      // An integer, and no real: that would be 'a1.0'.
      expect(await db.fetchValue("select 'a' || $1", [1])).toBe("a1");
      expect(await db.fetchValue("select $1 / 2", [7])).toBe(3);
    });
  });

  test("of the least integer there is are no less exact than others", async () => {
    await withDatabase(async (db) => {
      const query = "select $1 as whole, -9223372036854775808.0 as real, 1 as one";
      const least = -(2n ** 63n);
      expect(await db.fetchRow(query, [least])).toEqual({ whole: least, real: -(2 ** 63), one: 1 });
      const rows = [];
      for await (const row of db.stream(query, [least])) rows.push(row);
      expect(rows).toEqual([{ whole: least, real: -(2 ** 63), one: 1 }]);
    });
  });

  test("that are bytes, but no Uint8Array, are refused rather than made empty JSON", async () => {
    await withDatabase(async (db) => {
      for (const bytes of [new ArrayBuffer(2), new DataView(new ArrayBuffer(2)), new Float32Array([1])])
        await expect(db.fetch("select $1", [bytes])).rejects.toThrow("Uint8Array");
    });
  });

  test("of many rows are read with bigints only where some are beyond numbers", async () => {
    await withDatabase(async (db) => {
      const query = `with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000)
        select i, case when i = 15000 then 9007199254740993 else i end as big from n`;
      const rows = await db.fetch<{ i: number; big: number | bigint }>(query);
      expect(rows.length).toBe(20_000);
      expect(rows.filter(({ i, big }) => big !== i)).toEqual([{ i: 15_000, big: 9_007_199_254_740_993n }]);
    });
  });

  test("and columns of any name make rows, and no prototypes", async () => {
    await withDatabase(async (db) => {
      const row = await db.fetchRow(`select 1 as "__proto__", 2 as "constructor", 3 as a, 4 as a`);
      expect(Object.entries(row!)).toEqual([
        ["__proto__", 1],
        ["constructor", 2],
        ["a", 4],
      ]);
    });
  });
});

describe("names and values", () => {
  test("never get out of their place, whatever they hold", async () => {
    await withDatabase(async (db) => {
      await db.execute("insert into t values (1, 'safe')");
      await fc.assert(
        fc.asyncProperty(fc.string({ minLength: 1 }), fc.string(), async (name, value) => {
          fc.pre(!name.includes("\0") && !/^sqlite_/i.test(name));
          const evil = `${name}"; drop table t; --`;
          await db.execute(sql`create table ${sql.identifier(`x${evil}`)} (${sql.identifier(evil)})`);
          await db.copyInto(`"${`x${evil}`.replaceAll('"', '""')}"`, [evil], [[value]]);
          const rows = await db.fetch(sql`select * from ${sql.identifier(`x${evil}`)} where ${value} = ${value}`);
          expect(rows).toEqual([{ [evil]: value.toWellFormed() }]);
          await db.execute(sql`drop table ${sql.identifier(`x${evil}`)}`);
          expect(await namesOf(db)).toEqual(["safe"]);
        }),
        { numRuns: 50 },
      );
      await expect(db.copyInto(`t (id) values (9); --`, ["id"], [[1]])).rejects.toThrow("no such table");
      await expect(db.copyInto("t", [`id") values (9); --`], [[1]])).rejects.toThrow("no column named");
      expect(await namesOf(db)).toEqual(["safe"]);
    });
  });
});

describe("what is cancelled", () => {
  test("leaves the line, and those behind it go on", async () => {
    await withDatabase(async (db) => {
      await taskGroup(async (group) => {
        const holder = await db.acquire();
        const cancelled = group.spawn(() => db.execute("insert into t values (1, 'never')"));
        const other = group.spawn(() => db.execute("insert into t values (2, 'later')"));
        await sleep(1);
        expect(db.statistics().waiting).toBe(2);
        cancelled.cancel();
        await sleep(0);
        expect(db.statistics().waiting).toBe(1);
        await holder[Symbol.asyncDispose]();
        expect(await other.join()).toBe(1);
      });
      expect(await namesOf(db)).toEqual(["later"]);
    });
  });

  test("stops between rows, and the connection serves the next", async () => {
    await withDatabase(async (db) => {
      const endless = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n";
      const reads: (() => Promise<unknown>)[] = [
        () => db.fetch(endless),
        () => db.execute(endless),
        () => drain(db.stream(endless)),
        () => db.transaction((tx) => tx.fetch(endless)),
      ];
      for (const read of reads) {
        await taskGroup(async (group) => {
          const task = group.spawn(read);
          await sleep(20);
          task.cancel();
        });
        expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
        expect(await db.fetchValue("select 7")).toBe(7);
      }
    });
  });

  test("leaves nothing of a copy that is under way", async () => {
    await withDatabase(async (db) => {
      await taskGroup(async (group) => {
        const task = group.spawn(() =>
          db.copyInto(
            "t",
            ["name"],
            (function* () {
              for (;;) yield ["n"];
            })(),
          ),
        );
        await sleep(50);
        task.cancel();
      });
      expect(await namesOf(db)).toEqual([]);
      expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
    });
  });

  test("harms nobody else, at whichever moment", async () => {
    await withDatabase(async (db) => {
      let innocent = 0;
      await taskGroup((group) => {
        for (let index = 0; index < 600; index++) {
          const kind = index % 6;
          const task = group.spawn(async () => {
            if (kind === 0) await db.execute("insert into t (name) values ('victim')");
            else if (kind === 1) {
              await db.transaction(async (tx) => {
                await tx.execute("insert into t (name) values ('pair')");
                await sleep(0);
                await tx.execute("insert into t (name) values ('pair')");
              });
            } else if (kind === 2) await drain(db.stream("select * from t"));
            else {
              if ((await db.fetchValue("select $1", [index])) === index) innocent++;
              if (kind === 3) await db.execute("insert into t (name) values ('innocent')");
            }
          });
          if (kind < 3) {
            group.spawn(async () => {
              await sleep((index * 7) % 23);
              task.cancel();
            });
          }
        }
      });
      expect(innocent).toBe(300);
      expect(await db.fetchValue("select count(*) from t where name = 'innocent'")).toBe(100);
      expect((await db.fetchValue<number>("select count(*) from t where name = 'pair'"))! % 2).toBe(0);
      expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
    });
  });
});

describe("a file that others use, too", () => {
  test("is waited for when it is opened as it is later, and not by who is cancelled", async () => {
    const file = newFile();
    const other = new DatabaseSync(file);
    other.exec("create table t (id integer primary key); begin exclusive");
    await run(
      async () => {
        await expect(connect(`sqlite:${file}`, { busyMs: 300 })).rejects.toMatchObject({
          code: "SQL_CONNECT",
          sqlState: "SQLITE_BUSY",
        });
        const startedMs = now();
        await moveOnAfter(100, () => connect(`sqlite:${file}`, { busyMs: 120_000 }));
        expect(now() - startedMs).toBeLessThan(60_000);

        const opening = connect(`sqlite:${file}`, { busyMs: 120_000 });
        await sleep(250);
        other.exec("commit");
        await using db = await opening;
        expect(await db.fetch("select * from t")).toEqual([]);
      },
      { signals: false },
    );
    other.close();
  });

  test("is waited for as long as `busyMs` says, and can be used afterwards", async () => {
    const file = newFile();
    await withDatabase(async (other) => {
      await using db = await connect(`sqlite:${file}`, { busyMs: 150 });
      {
        await using holder = await other.acquire();
        await holder.execute("begin immediate");
        const error: unknown = await db.execute("insert into t values (1, 'a')").catch((e: unknown) => e);
        expect(error).toBeInstanceOf(BusyError);
        expect(error).toMatchObject({ code: "SQL_BUSY", sqlState: "SQLITE_BUSY" });
        expect((error as Error).message).toContain("150 ms");
        await expect(db.transaction((tx) => tx.execute("delete from t"))).rejects.toThrow(BusyError);
        // Readers do not wait for who writes.
        expect(await db.fetchValue("select count(*) from t")).toBe(0);
      }
      expect(await db.execute("insert into t values (1, 'a')")).toBe(1);
      expect(await namesOf(other)).toEqual(["a"]);
    }, `sqlite:${file}`);
  });

  test("is not waited for by those who are cancelled", async () => {
    const file = newFile();
    await withDatabase(async (other) => {
      await using db = await connect(`sqlite:${file}`, { busyMs: 1e9 });
      await using holder = await other.acquire();
      await holder.execute("begin immediate");
      await taskGroup(async (group) => {
        const task = group.spawn(() => db.execute("insert into t values (1, 'a')"));
        await sleep(5);
        task.cancel();
      });
      expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
    }, `sqlite:${file}`);
  });
});

test("where SQLite has rolled back all from within a savepoint, nothing that comes after is written", async () => {
  await withDatabase(async (db) => {
    await db.execute("insert into t values (1, 'before')");
    const work = db.transaction(async (tx) => {
      await tx.execute("insert into t values (2, 'within')");
      const inner = tx.transaction((own) => own.execute("insert or rollback into t values (1, 'again')"));
      await expect(inner).rejects.toThrow(ConstraintError);
      await expect(tx.execute("insert into t values (3, 'after')")).rejects.toThrow(QueryError);
      await expect(tx.transaction((own) => own.execute("insert into t values (4, 'later')"))).rejects.toThrow(
        QueryError,
      );
    });
    await expect(work).rejects.toMatchObject({ sqlState: "SQLITE_ABORT_ROLLBACK" });

    expect(await namesOf(db)).toEqual(["before"]);
    expect(await db.execute("insert into t values (5, 'usable')")).toBe(1);
  });
});

describe("a disk that is full", () => {
  test("rolls the transaction back, and nothing more of it is written", async () => {
    await withDatabase(async (db) => {
      await db.execute("insert into t values (1, 'before')");
      const pages = (await db.fetchValue<number>("pragma page_count"))!;
      await db.execute(`pragma max_page_count = ${pages + 5}`);
      const big = "x".repeat(1_000);
      const full = { code: "SQL_QUERY", sqlState: "SQLITE_FULL" };
      await expect(
        db.copyInto(
          "t",
          ["name"],
          Array.from({ length: 10_000 }, () => [big]),
        ),
      ).rejects.toMatchObject(full);
      await expect(
        db.transaction(async (tx) => {
          await tx.execute("insert into t values (2, 'half')");
          const rows = Array.from({ length: 100 }, () => tx.execute("insert into t (name) values ($1)", [big]));
          const failed = (await Promise.allSettled(rows)).filter(({ status }) => status === "rejected");
          expect(failed.length).toBeGreaterThan(0);
          await tx.execute("insert into t values (3, 'after')");
        }),
      ).rejects.toThrow(QueryError);
      expect(await namesOf(db)).toEqual(["before"]);
      expect(await db.execute("insert into t values (4, 'usable')")).toBe(1);
      expect(db.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
    });
  });
});
