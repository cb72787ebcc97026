import { expect, test } from "vitest";
import { VariableKeys, travellingOf } from "./travelling.ts";

const bind = (keys: VariableKeys, name: string, value: unknown) => ({
  key: keys.make("file:///variables.ts", name),
  value,
  outer: undefined,
});

test("what is bound here is bound there, whichever of value and variable comes first", () => {
  const here = new VariableKeys(10);
  const there = new VariableKeys(10);
  const made = there.make("file:///variables.ts", "made");
  const bindings = { ...bind(here, "made", 1), outer: bind(here, "late", { deep: [2] }) };

  const arrived = there.arrived(travellingOf(bindings, structuredClone)!);
  const late = there.make("file:///variables.ts", "late");

  expect(arrived).toEqual({ key: late, value: { deep: [2] }, outer: { key: made, value: 1, outer: undefined } });
  expect(arrived?.key).toBe(late);
  expect(arrived?.outer?.key).toBe(made);
});

test("variables of one name in one module stay, and those of another module are others", () => {
  const keys = new VariableKeys(10);
  const one = bind(keys, "twin", 1);
  const other = bind(keys, "twin", 2);
  const third = bind(keys, "twin", 3);
  const foreign = { key: keys.make("file:///others.ts", "twin"), value: 4, outer: undefined };

  expect([one, other, third].map((bound) => travellingOf(bound, structuredClone))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(travellingOf(foreign, structuredClone)).toEqual(["file:///others.ts#twin", 4]);
});

test("values go that are the same when they are copied", () => {
  class Connection {
    readonly host = "localhost";
  }
  const keys = new VariableKeys(100);
  const go = [
    undefined,
    null,
    0,
    1n,
    "text",
    true,
    [1],
    { a: 1 },
    new Map([[1, 2]]),
    new Date(0),
    new RangeError("no"),
  ];
  const stay = [() => 1, Symbol("s"), new Connection(), Promise.resolve(), { deep: () => 1 }];

  for (const [i, value] of go.entries()) {
    expect(travellingOf(bind(keys, `go ${i}`, value), structuredClone)).toEqual([expect.any(String), value]);
  }
  for (const [i, value] of stay.entries()) {
    expect(travellingOf(bind(keys, `stay ${i}`, value), structuredClone)).toBeUndefined();
  }
  expect(travellingOf(undefined, structuredClone)).toBeUndefined();
});

test("variables of code that stands in no module stay", () => {
  const bound = { key: new VariableKeys(1).make("", "evaluated"), value: 1, outer: undefined };

  expect(travellingOf(bound, structuredClone)).toBeUndefined();
});

test("variables that are made without end take no memory, and stay", () => {
  const keys = new VariableKeys(1);

  const first = bind(keys, "first", 1);
  const second = bind(keys, "second", 2);

  expect(travellingOf(first, structuredClone)).toEqual(["file:///variables.ts#first", 1]);
  expect(travellingOf(second, structuredClone)).toBeUndefined();
});
