import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSqlite } from "./sqlite-text.ts";

const isRead = (text: string): boolean => readSqlite(text).isRead;
const isBound = (text: string): boolean => readSqlite(text).isBound;

describe("the text of a query for SQLite", () => {
  test("has numbered parameters in the form that SQLite binds in order", () => {
    expect(readSqlite("select $1, $2 where a = $1")).toMatchObject({
      text: "select ?1, ?2 where a = ?1",
      parameters: 2,
    });
    expect(readSqlite("select $12")).toMatchObject({ text: "select ?12", parameters: 12 });
    expect(readSqlite("select 1")).toMatchObject({ text: "select 1", parameters: 0 });
  });

  test("keeps strings, quoted names, comments and names with a dollar sign as they are", () => {
    const left = [
      `'$1'`,
      `'it''s $1'`,
      `"a $1 ""b"""`,
      "`$1`",
      "[$1 x]",
      "-- $1\n",
      "/* $1 ' */",
      "a$1",
      "1",
      `'$1`,
      "/* $1",
    ];
    for (const part of left) {
      expect(readSqlite(`select $2 ${part}`)).toMatchObject({ text: `select ?2 ${part}`, parameters: 2 });
    }
  });

  test("refuses parameters of other forms, which would silently be null", () => {
    for (const form of ["?", "?1", ":a", "@a", "$a", "$0", "$1a", "$01", "$"]) {
      expect(() => readSqlite(`select ${form}`), form).toThrow(TypeError);
    }
  });

  test("only reads if it begins so, and nothing in it may write or asks about the connection", () => {
    expect(["select 1", " -- c\n SELECT 1", "with a as (select 1) select * from a", "values (1)"].every(isRead)).toBe(
      true,
    );
    expect(isRead("select 'insert'")).toBe(true);
    for (const text of [
      "insert into t values (1) returning a",
      "with a as (select 1) insert into t select * from a",
      "pragma foreign_keys = off",
      "select last_insert_rowid()",
      "select changes()",
      "",
    ]) {
      expect(isRead(text), text).toBe(false);
    }
  });

  test("knows statements that begin or end a transaction, but not those in triggers", () => {
    for (const text of ["begin", "/* */ COMMIT;", "insert into t values (1); rollback", "savepoint a", "end"]) {
      expect(isBound(text), text).toBe(true);
    }
    for (const text of [
      "select 'begin'",
      "create trigger a after insert on t begin delete from u; end;",
      'select "begin"',
    ]) {
      expect(isBound(text), text).toBe(false);
    }
  });

  test("leaves any string, name and comment alone, and all parameters between get their values", () => {
    const db = new DatabaseSync(":memory:");
    const filler = fc.oneof(
      fc.string({ unit: "grapheme" }).map((text) => `'${text.replaceAll("'", "''")}'`),
      fc.string({ minLength: 1 }).map((text) => `1 as "${text.replaceAll('"', '""')}"`),
      fc.string().map((text) => `1 /*${text.replaceAll("*/", "")} $9 */`),
      fc.string().map((text) => `1 --${text.replaceAll("\n", "")} $9\n`),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(filler, fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 6 }),
        (parts) => {
          fc.pre(parts.every(([text]) => !text.includes("\0")));
          const query = `select ${parts.map(([text, number]) => `${text}, $${number}`).join(", ")}`;
          const { text, parameters } = readSqlite(query);
          expect(parameters).toBe(Math.max(...parts.map(([, number]) => number)));
          const statement = db.prepare(text);
          statement.setReturnArrays(true);
          const row = statement.get(...[1, 2, 3, 4, 5].slice(0, parameters)) as unknown as readonly unknown[];
          expect(row.filter((_, index) => index % 2 === 1)).toEqual(parts.map(([, number]) => number));
          expect(text.replaceAll(/\?(\d)/g, "$$$1")).toBe(query.replaceAll(/\?(\d)/g, "$$$1"));
        },
      ),
    );
    db.close();
  });
});
