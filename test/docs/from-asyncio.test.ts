/** The guide for those who come from asyncio names only what is there. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ApiExport } from "../../scripts/internal/api-model.ts";
import { readDoors } from "../../scripts/internal/doors.ts";
import { readApi } from "../../scripts/internal/read-api.ts";
import { root } from "./snippets.ts";

const page = await readFile(join(root, "docs/from-asyncio.md"), "utf8");
const apis = readApi(root, join(root, "tsconfig.json"), await readDoors());
const exported = new Map(apis.flatMap((api) => api.exports.map((item) => [item.name, item])));

/** What stands for something of the reader's. */
const placeholders = new Set(["f", "fn", "main"]);

/** The code in the columns headed "Taskwright". */
function namesOfOurs(): string[] {
  return page.split(/^### /m).flatMap((section) => {
    const [head = [], , ...rows] = section
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map(cellsOf);
    const column = head.indexOf("Taskwright");
    return rows.flatMap((cells) => [...(cells[column] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
  });
}

function cellsOf(row: string): string[] {
  return row.split("|").map((cell) => cell.trim());
}

/** The parts of a piece of code that are not there: neither ours nor of the platform. */
function unknownIn(code: string): string[] {
  if (code.startsWith("node:")) return process.getBuiltinModule(code) === undefined ? [code] : [];
  const called = [...code.matchAll(/(?<![\w.])([A-Za-z]\w*)(?=\()/g)].map((match) => match[1]!);
  const names = new Set([...called, /^(?:(?:await|new) )?(\w+)/.exec(code)?.[1] ?? code]);
  return [...names].filter((name) => !placeholders.has(name) && !isThere(name, code));
}

function isThere(name: string, code: string): boolean {
  const member = new RegExp(String.raw`\b${name}\.(\w+)`).exec(code)?.[1];
  const type = typeOf(name);
  if (type !== undefined) return member === undefined || hasMember(type, member);
  const platform = (globalThis as Record<string, unknown>)[name];
  return platform !== undefined && (member === undefined || member in Object(platform));
}

/** What a name is, or stands for: `group` for a TaskGroup. */
function typeOf(name: string): ApiExport | undefined {
  if (name === "variable") return exported.get("ContextVar");
  const capitalised = name.charAt(0).toUpperCase() + name.slice(1);
  const ends = [...exported.values()].filter((item) => item.members.length > 0 && item.name.endsWith(capitalised));
  return exported.get(name) ?? exported.get(capitalised) ?? ends[0];
}

function hasMember(type: ApiExport, member: string): boolean {
  return [type, ...type.bases.map((base) => exported.get(base)!)].some(({ members }) =>
    members.some(({ name }) => name === member),
  );
}

test("every name of ours in its tables is exported", () => {
  expect(namesOfOurs().length).toBeGreaterThan(100);
  expect(namesOfOurs().flatMap(unknownIn)).toEqual([]);
});

test.for(["gruop.spawn(f)", "group.spwan(f)", "new Queu()", "queue.getNoWait()", "shield(checkpointt())", "node:nett"])(
  "%s would be found",
  (code) => {
    expect(unknownIn(code)).not.toEqual([]);
  },
);
