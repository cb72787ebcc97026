/**
 * Lines of JSON, for writing: one for each value.
 *
 * Cancel: as the values do.
 *
 * @param values - any sync or async iterable of what JSON can hold
 * @throws {TypeError} a value is none that JSON can hold
 *
 * @example
 * ```ts
 * import { jsonLines, openTempFolder, readText, write } from "taskwright/files";
 *
 * await using folder = await openTempFolder();
 * await write(folder.at("rows.jsonl"), jsonLines([{ id: 1 }, { id: 2 }]));
 * console.log((await readText(folder.at("rows.jsonl"))).length); // => 18
 * ```
 */
export async function* jsonLines(
  values: Iterable<unknown> | AsyncIterable<unknown>,
): AsyncGenerator<string, void, void> {
  for await (const value of values) {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new TypeError(`Expected a value that JSON can hold, got ${typeof value}`);
    yield `${text}\n`;
  }
}
