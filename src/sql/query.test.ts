import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Query, quoteName, sql } from "./query.ts";

describe("sql", () => {
  test("puts values apart, in order", () => {
    const query = sql`select ${1}, ${"two"} from t where a = ${null}`;
    expect(query.text).toBe("select $1, $2 from t where a = $3");
    expect(query.values).toEqual([1, "two", null]);
    expect(sql`select 1`).toMatchObject({ text: "select 1", values: [] });
  });

  test("puts queries into queries, and numbers their values anew", () => {
    const older = sql`age > ${30}`;
    const query = sql`select * from t where ${older} and name = ${"a"} and ${older}`;
    expect(query.text).toBe("select * from t where age > $1 and name = $2 and age > $3");
    expect(query.values).toEqual([30, "a", 30]);
  });

  test("leaves a dollar sign in the text alone", () => {
    const price = sql`'$1' || ${"x"}`;
    expect(sql`select ${7}, ${price}`.text).toBe("select $1, '$1' || $2");
  });

  test("joins parts, also none", () => {
    expect(sql`in (${sql.join([1, 2, 3])})`).toMatchObject({ text: "in ($1, $2, $3)", values: [1, 2, 3] });
    expect(sql.join([sql`a = ${1}`, sql`b`], " and ")).toMatchObject({ text: "a = $1 and b", values: [1] });
    expect(sql.join([])).toMatchObject({ text: "", values: [] });
  });

  test("puts nothing between parts but what it knows", () => {
    expect(sql.join([1, 2], " or ").text).toBe("$1 or $2");
    expect(() => sql.join([1, 2], "; drop table users; --" as " or ")).toThrow(TypeError);
  });

  test("quotes names", () => {
    expect(sql`select ${sql.identifier("public", 'we"ird')}`.text).toBe('select "public"."we""ird"');
    expect(() => sql.identifier("")).toThrow(TypeError);
    expect(() => sql.identifier("a\0b")).toThrow(TypeError);
    expect(() => sql.identifier(7 as never)).toThrow(TypeError);
  });

  test("makes one query of any nesting, with the values in the order in which they stand", () => {
    interface Tree {
      readonly parts: readonly Tree[] | undefined;
    }
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constant({ parts: undefined }),
        fc.record({ parts: fc.array(tie("tree"), { maxLength: 3 }) }),
      ),
    }));
    fc.assert(
      fc.property(tree, (root) => {
        let count = 0;
        const build = ({ parts }: Tree): unknown => (parts === undefined ? ++count : sql.join(parts.map(build)));
        const query = sql`${build(root)}`;
        expect(query.values).toEqual(Array.from({ length: count }, (_, index) => index + 1));
        expect([...query.text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number))).toEqual(query.values);
      }),
    );
  });

  test("no value and no name gets out of its place, whatever it holds", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), (value, name) => {
        fc.pre(!name.includes("\0"));
        const query = sql`${value} ${sql.identifier(name)}`;
        expect(query).toBeInstanceOf(Query);
        expect(query.values).toEqual([value]);
        expect(query.text).toBe(`$1 ${quoteName(name)}`);
        expect(quoteName(name).slice(1, -1).replaceAll('""', "")).not.toContain('"');
      }),
    );
  });
});
