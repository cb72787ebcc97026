/** The reference says what the source says, and leaves nothing out. */
import { mkdtemp, readFile, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readDocComment } from "../../scripts/internal/doc-comment.ts";
import { readDoors } from "../../scripts/internal/doors.ts";
import { findMissingDocs } from "../../scripts/internal/missing-docs.ts";
import type { Api } from "../../scripts/internal/api-model.ts";
import { readApi } from "../../scripts/internal/read-api.ts";
import { renderReference } from "../../scripts/internal/render-reference.ts";
import { root } from "./snippets.ts";

/** The API of a package with one door, `source`. */
async function apiOf(source: string): Promise<Api[]> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "taskwright-reference-")));
  try {
    const exports = { ".": { "taskwright-source": "./index.ts" } };
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "sample", type: "module", exports }));
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { target: "esnext" } }));
    await writeFile(join(folder, "index.ts"), `/** @module A sample. */\n${source}`);
    return readApi(folder, join(folder, "tsconfig.json"), await readDoors(folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pageOf(source: string): Promise<string> {
  return (await renderReference(await apiOf(source))).get("sample.md")!;
}

describe("the reference of this package", async () => {
  const apis = readApi(root, join(root, "tsconfig.json"), await readDoors());

  test("has a page for each door, as `npm run docs` writes it", async () => {
    const folder = join(root, "docs/reference");
    const pages = await renderReference(apis);

    expect((await readdir(folder)).toSorted()).toEqual([...pages.keys()].toSorted());
    for (const [name, text] of pages) expect(await readFile(join(folder, name), "utf8")).toBe(text);
  });

  test("finds a doc comment at everything public, which says what cancelling does where one waits", () => {
    expect(findMissingDocs(apis)).toEqual([]);
  });
});

describe("missing doc comments are found", () => {
  test("at exports and at their members", async () => {
    const api = await apiOf(`
      export function open(): void {}
      /** A door. */
      export class Door { width = 1; #secret = 2; protected hinge = 3; close(): void {} }
      /** Settings. */
      export interface Options { readonly name?: string }
    `);

    expect(findMissingDocs(api)).toEqual([
      "index.ts:5: Door.width has no doc comment",
      "index.ts:5: Door.close has no doc comment",
      "index.ts:3: open has no doc comment",
      "index.ts:7: Options.name has no doc comment",
    ]);
  });

  test("where something waits and does not say what cancelling does", async () => {
    const api = await apiOf(`
      /** Waits. */
      export async function wait(): Promise<void> {}
      /**
       * Waits.
       *
       * Cancel: stops waiting.
       */
      export async function waitWell(): Promise<void> {}
      /**
       * Never waits.
       *
       * Cancel: not applicable, it never waits.
       */
      export async function soon(): Promise<void> {}
      /** Counts. */
      export async function* count(): AsyncGenerator<number> {}
      /** A line. Getting one is not waiting in it. */
      export class Line {
        /** Another. */
        clone(): Line { return this; }
        /** Goes on. */
        [Symbol.asyncIterator](): AsyncIterator<number> { return count(); }
      }
    `);

    expect(findMissingDocs(api).map((line) => line.replace(/^.*?: /, ""))).toEqual([
      'count does not say what "Cancel: ..." does',
      'wait does not say what "Cancel: ..." does',
    ]);
  });

  test("where a declaration names a type of ours that nobody can import", async () => {
    const api = await apiOf(`
      interface Inner { readonly n: number }
      /** A box. */
      export class Box<T> extends Map<string, T> {
        /** What is in it. */
        inner(): Inner { return { n: 1 }; }
      }
    `);

    expect(findMissingDocs(api)).toEqual(["index.ts:5: Box names Inner, which no door exports"]);
  });

  test("but not at what is internal or hidden, or is said at the interface", async () => {
    const api = await apiOf(`
      /** Opens. */
      export interface Opener {
        /** Opens it. */
        open(): void;
      }
      /** A door. */
      export class Door implements Opener {
        open(): void {}
        /** @internal */
        oil(): void {}
      }
      /** @internal */
      export function paint(): void {}
      const a = 1, b = 2;
      /** @hidden */
      export { a };
      /** @internal */
      export { b };
    `);

    expect(findMissingDocs(api)).toEqual([]);
    expect(api[0]!.exports.map(({ name, members }) => [name, ...members.map((member) => member.name)])).toEqual([
      ["Door", "open"],
      ["Opener", "open"],
    ]);
  });
});

describe("a page", () => {
  test("shows signatures without bodies, and what the comment says of them", async () => {
    const page = await pageOf(`
      /** Too big. */
      export class BigError extends Error {}
      /**
       * Halves a number; see {@link BigError}.
       *
       * Cancel: stops.
       *
       * @param n - at most 10
       * @returns the half
       * @throws {BigError} it is more
       * @example
       * \`\`\`ts
       * console.log(await half(4)); // => 2
       * \`\`\`
       */
      export async function half(n: number, exact = true): Promise<number> { return exact ? n / 2 : n >> 1; }
    `);

    expect(page).toContain(`### half

Halves a number; see [\`BigError\`](#bigerror).

\`\`\`ts
function half(n: number, exact = true): Promise<number>;
\`\`\`

**Cancel:** stops.

- \`n\`: at most 10
- Returns the half
- Throws [\`BigError\`](#bigerror): it is more

\`\`\`ts
console.log(await half(4)); // => 2
\`\`\`
`);
  });

  test("shows a class with its overloads, and without what is internal or private", async () => {
    const page = await pageOf(`
      abstract class Base {
        /** How many. */
        abstract readonly size: number;
      }
      /** A stack. */
      export class Stack<T> extends Base implements Iterable<T> {
        readonly #items: T[] = [];
        constructor();
        /** @internal */
        constructor(items?: T[]);
        constructor(items: T[] = []) { super(); this.#items = items; }
        get size(): number { return this.#items.length; }
        /** The topmost. */
        pop(): T;
        pop(n: number): T[];
        pop(n?: number): T | T[] { return n === undefined ? this.#items.pop()! : this.#items.splice(-n); }
        /** From the bottom. */
        *[Symbol.iterator](): Generator<T> { yield* this.#items; }
      }
    `);

    expect(page).toContain(`
class Stack<T> implements Iterable<T> {
  readonly size: number;
  constructor();
  pop(): T;
  pop(n: number): T[];
  [Symbol.iterator](): Generator<T>;
}
`);
    expect(page).toContain("#### Stack[Symbol.iterator]\n\nFrom the bottom.");
  });

  test("shows how a class is made that is an interface and a constant", async () => {
    const page = await pageOf(`
      /** A cell. */
      export interface Cell<T> {
        /** What is in it. */
        value: T;
      }
      interface CellConstructor {
        /** @param value - the first */
        new <T>(value: T): Cell<T>;
      }
      export const Cell: CellConstructor = class<T> {
        value: T;
        constructor(value: T) { this.value = value; }
      };
    `);

    expect(page).toContain("## Classes");
    expect(page).toContain("interface Cell<T> {\n  new <T>(value: T): Cell<T>;\n  value: T;\n}\n");
    expect(page).toContain("- `value`: the first");
  });

  test("shows options as a table, those of a base that is not exported too", async () => {
    const page = await pageOf(`
      interface Named {
        /** For messages. */
        readonly name?: string;
      }
      /** Settings. */
      export interface Options extends Named {
        /** How many: a | b. @default 3 */
        readonly limit?: number | undefined;
      }
    `);

    expect(page).toContain(`
| property | type                  | default | meaning           |
| -------- | --------------------- | ------- | ----------------- |
| \`name?\`  | \`string\`              |         | For messages.     |
| \`limit?\` | \`number \\| undefined\` | \`3\`     | How many: a \\| b. |
`);
  });

  test("numbers the anchors of headings that differ in case alone", async () => {
    const page = await pageOf(`
      /** Makes a {@link Group}. */
      export function group(): Group { return {}; }
      /** As from {@link group}. */
      export type Group = object;
    `);

    expect(page).toContain("Makes a [`Group`](#group-1).");
    expect(page).toContain("As from [`group`](#group).");
  });

  test("is refused where a link leads nowhere", async () => {
    await expect(pageOf("/** See {@link nothing}. */\nexport const a = 1;")).rejects.toThrow(
      "{@link nothing} in sample leads nowhere",
    );
  });
});

test("a tag inside an example is no tag", () => {
  const doc = readDocComment(`/**
   * One.
   *
   * @example
   * \`\`\`ts
   * @internal
   * \`\`\`
   */`);

  expect(doc.isHidden).toBe(false);
  expect(doc.examples).toEqual(["```ts\n@internal\n```"]);
});
