import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../core/index.ts";
import { freshDatabase } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { type Database, QueryError, connect, sql } from "./index.ts";

let server: Postgres;
let db: Database;
beforeAll(async () => {
  server = await startPostgres();
  db = await freshDatabase(server);
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });
const withoutNul = fc.string({ unit: "binary", maxLength: 40 }).filter((text) => !text.includes("\0"));
const float = fc.double();
const int8 = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
const bytes = fc.uint8Array({ maxLength: 50 }).map((array) => new Uint8Array(array));
/** What timestamptz holds: from 4713 BC on. */
const moment = fc.date({
  min: new Date("-004700-01-01T00:00:00Z"),
  max: new Date("+275000-01-01T00:00:00Z"),
  noInvalidDate: true,
});
const json = fc
  .jsonValue({ maxDepth: 3, noUnicodeString: false })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll(String.raw`\u0000`, "")) as unknown)
  .filter((value) => value !== null);
const arrayOf = (items: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.array(fc.option(items), { maxLength: 6 });

/** Values that come back as they were sent. */
const kinds: readonly [type: string, values: fc.Arbitrary<unknown>][] = [
  ["int2", fc.integer({ min: -32_768, max: 32_767 })],
  ["int4", fc.integer()],
  ["int8", int8],
  ["float8", float],
  ["bool", fc.boolean()],
  ["text", withoutNul],
  ["bytea", bytes],
  ["timestamptz", moment],
  ["timestamptz", fc.constantFrom(Infinity, -Infinity)],
  ["json", json],
  ["int4[]", arrayOf(fc.integer())],
  ["int8[]", arrayOf(int8)],
  ["float8[]", arrayOf(float)],
  ["bool[]", arrayOf(fc.boolean())],
  ["text[]", arrayOf(withoutNul)],
  ["bytea[]", arrayOf(bytes)],
  ["timestamptz[]", arrayOf(moment)],
  ["json[]", arrayOf(json)],
  [
    "int4[]",
    fc.constantFrom(
      [
        [1, 2],
        [3, null],
      ],
      [[[1]], [[2]]],
      [],
    ),
  ],
];

test.for(kinds)("%s comes back as it was sent, and the same through COPY", ([type, values]) =>
  inTree(async () => {
    await db.execute("drop table if exists copied");
    await db.execute(`create table copied (n int, v ${type})`);
    let n = 0;
    const all: unknown[] = [];
    const property = fc.asyncProperty(values, async (value) => {
      all.push(value);
      n++;
      expect(await db.fetchValue(`select $1::${type}`, [value])).toEqual(value);
    });
    await fc.assert(property, { numRuns: 60 });

    await db.copyInto(
      "copied",
      ["n", "v"],
      all.map((value, index) => [index, value]),
    );
    expect(n).toBe(all.length);
    expect((await db.fetch("select v from copied order by n")).map(({ v }) => v)).toEqual(all);
  }),
);

/** What is written otherwise as bytes, at its ends. */
const edges: readonly (readonly [type: string, text: string])[] = [
  ...["32767", "-32768"].map((text) => ["int2", text] as const),
  ...["2147483647", "-2147483648", "0"].map((text) => ["int4", text] as const),
  ...["9007199254740991", "9007199254740992", "-9007199254740992", "9223372036854775807", "-4294967297"].map(
    (text) => ["int8", text] as const,
  ),
  ["oid", "4294967295"],
  ...["0.1", "3.4e38", "1e-45", "NaN"].map((text) => ["float4", text] as const),
  ...["0.1", "-0", "NaN", "-Infinity", "5e-324", "1.7976931348623157e308"].map((text) => ["float8", text] as const),
  ...[
    "1999-12-31 23:59:59.999999+00",
    "2000-01-01 00:00:00.000999+00",
    "1714-01-01 00:00:00.000001+00",
    "0001-01-01 00:00:00+00",
    "4713-01-01 00:00:00+00 BC",
    "1850-06-01 12:00:00.1239+00",
    "2285-06-01 12:00:00.1239+00",
    "275000-01-01 00:00:00.9999+00",
    "infinity",
    "-infinity",
  ].map((text) => ["timestamptz", text] as const),
  ["bytea", String.raw`\x00ff`],
  ["uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
];

test("the same is read as bytes and as text, also at the ends of what a type holds", () =>
  inTree(async () => {
    // Of statements that are not kept, all comes as text.
    await using texts = await connect(server.url(), { statements: 0 });
    for (const [type, text] of edges) {
      const query = `select '${text}'::${type} as v, null::${type} as none`;
      await db.fetch(query);
      expect(await db.fetch(query), `${type} ${text}`).toEqual(await texts.fetch(query));
      expect(await db.fetchValue(query), `${type} ${text}`).toEqual(await texts.fetchValue(query));
    }
  }));

test("what has more digits than a number, or no time zone, is text", () =>
  inTree(async () => {
    const row = await db.fetchRow(
      "select 1.10::numeric as numeric, '2026-11-21'::date as date, '2026-11-21 10:00'::timestamp as timestamp, '10:00'::time as time, '1 day'::interval as interval, '{1.5,NULL}'::numeric[] as numerics",
    );

    expect(row).toEqual({
      numeric: "1.10",
      date: "2026-11-21",
      timestamp: "2026-11-21 10:00:00",
      time: "10:00:00",
      interval: "1 day",
      numerics: ["1.5", null],
    });
  }));

test("bigint is a number where that is exact, and a bigint beyond", () =>
  inTree(async () => {
    const ask = (value: string): Promise<unknown> => db.fetchValue(`select '${value}'::int8`);

    expect(await ask("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
    expect(await ask("9007199254740992")).toBe(9_007_199_254_740_992n);
    expect(await ask("-9223372036854775808")).toBe(-(2n ** 63n));
    expect(await db.fetchValue("select count(*) from pg_class")).toBeTypeOf("number");
  }));

test("an array is one of Postgres or of JSON, as its parameter is, the first time and later", () =>
  inTree(async () => {
    for (let time = 0; time < 2; time++) {
      const row = await db.fetchRow("select $1::int[] as array, $2::jsonb as json", [
        [1, 2],
        [1, { a: [null] }],
      ]);
      expect(row).toEqual({ array: [1, 2], json: [1, { a: [null] }] });
    }
  }));

test("text for JSON is text in JSON, the first time and later", () =>
  inTree(async () => {
    for (const own of [await connect(server.url()), await connect(server.url(), { statements: 0 })]) {
      for (let time = 0; time < 2; time++) {
        expect(await own.fetchValue("select $1::jsonb", ['{"a":1}'])).toBe('{"a":1}');
        expect(await own.fetchValue("select $1::json", [new Date(0)])).toBe("1970-01-01T00:00:00.000Z");
        await expect(own.fetchValue("select $1::json  ", [1n])).rejects.toThrow(TypeError);
      }
      await own[Symbol.asyncDispose]();
    }
  }));

test("moments are read as they are, however the server is set to write them", () =>
  inTree(async () => {
    const text = "select '2024-02-03 04:05:06.789+00'::timestamptz";
    const date = new Date("2024-02-03T04:05:06.789Z");
    await using own = await freshDatabase(server, { max: 1, statements: 0 });
    const name = (await own.fetchValue<string>("select current_database()"))!;
    await own.execute(sql`alter database ${sql.identifier(name)} set datestyle to 'German'`);
    await using german = await connect(server.url(name), { max: 1, statements: 0 });
    expect(await german.fetchValue(text)).toEqual(date);

    // What was set for a while goes, and what the server is set to comes back; unless that is set again.
    await using lent = await german.acquire();
    await lent.execute("set datestyle to 'SQL, DMY'");
    await expect(lent.fetchValue(text)).rejects.toThrow(TypeError);
    await lent[Symbol.asyncDispose]();
    expect(await german.fetchValue(text)).toEqual(date);
    await german.execute("set datestyle to 'SQL, MDY'");
    expect(await german.fetchValue(text)).toEqual(date);
  }));

test("dates do not depend on where the session is, nor on how it writes them", () =>
  inTree(async () => {
    await using own = await db.acquire();
    const date = new Date("1890-01-01T00:00:00.123Z");
    for (const zone of ["UTC", "Asia/Kolkata", "America/St_Johns", "Europe/Paris"]) {
      await own.execute(`set timezone to '${zone}'`);
      expect(await own.fetchValue("select $1::timestamptz", [date])).toEqual(date);
    }
    await using other = await db.acquire();
    await other.execute("set bytea_output to 'escape'");
    const value = new Uint8Array([0, 92, 39, 255, 65]);
    expect(await other.fetchValue("select $1::bytea", [value])).toEqual(value);
  }));

test("values that no database takes are refused before anything is sent", () =>
  inTree(async () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    for (const value of [() => 1, Symbol("s"), new Date(Number.NaN), circle, new ArrayBuffer(2), new Float32Array(2)]) {
      await expect(db.fetch("select $1", [value])).rejects.toThrow(TypeError);
    }
    await expect(db.fetch("select $1::jsonb", [{ big: 1n }])).rejects.toThrow(TypeError);
    expect(await db.fetchValue("select 1")).toBe(1);
    expect(db.statistics().inUse).toBe(0);
  }));

const attacks = [
  "'; drop table victim; --",
  '"; drop table victim; --',
  "$1; drop table victim",
  "\\'; drop table victim; --",
  "$$; drop table victim; $$",
  "'; drop table victim; --".normalize("NFKC"),
  '{"},drop table victim',
  "\\.\ndrop table victim;",
  "\t\\N\n",
];

test.for(attacks)("what looks like SQL stays a value, and a name a name: %j", (attack) =>
  inTree(async () => {
    await db.execute("drop table if exists victim; create table victim (note text, tags text[], data jsonb)");
    const intact = async (): Promise<void> => {
      expect(await db.fetchValue("select count(*) from pg_class where relname = 'victim'")).toBe(1);
    };
    const values = attack;
    const row = [values, [values], { [values]: values }];

    expect(await db.fetchRow(sql`select ${values} as v, ${[values]}::text[] as a`)).toEqual({ v: values, a: [values] });
    await db.executeMany("insert into victim values ($1, $2, $3)", [row]);
    await db.copyInto("victim", ["note", "tags", "data"], [row]);
    expect((await db.fetch("select * from victim")).map((found) => Object.values(found))).toEqual([row, row]);
    for await (const found of db.stream("select note from victim where note = $1", [values]))
      expect(found["note"]).toBe(values);
    await using payloads = db.listen(attack);
    await payloads.begun;
    // Names of what is not there.
    await expect(db.fetch(sql`select * from ${sql.identifier(values)}`)).rejects.toMatchObject({ sqlState: "42P01" });
    await expect(db.copyInto(attack, ["note"], [["x"]])).rejects.toThrow(QueryError);
    await expect(db.copyInto("victim", [attack], [["x"]])).rejects.toThrow(QueryError);
    await expect(db.copyFrom(attack).next()).rejects.toThrow(QueryError);
    await intact();
  }),
);

test("a NUL, behind which would be another message, goes nowhere but into a value, which is refused", () =>
  inTree(async () => {
    const attack = "\0'; drop table victim";

    await expect(db.fetch("select $1::text", [attack])).rejects.toMatchObject({ sqlState: "22021" });
    await expect(db.fetch(attack)).rejects.toThrow(TypeError);
    await expect(db.execute(attack)).rejects.toThrow(TypeError);
    await expect(db.executeMany(attack, [])).rejects.toThrow(TypeError);
    await expect(db.copyInto(attack, ["note"], [])).rejects.toThrow(TypeError);
    await expect(db.copyInto("victim", [attack], [])).rejects.toThrow(TypeError);
    expect(() => db.stream(attack)).toThrow(TypeError);
    expect(() => db.listen(attack)).toThrow(TypeError);
    expect(() => db.copyFrom(attack)).toThrow(TypeError);
  }));

test("a column may have any name, `__proto__` too", () =>
  inTree(async () => {
    const row = (await db.fetchRow('select 1 as "__proto__", 2 as "constructor", 3 as "?"')) as object;

    expect(Object.entries(row)).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
      ["?", 3],
    ]);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  }));
