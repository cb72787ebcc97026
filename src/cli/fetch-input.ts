import { glob, stat } from "node:fs/promises";
import { BadLine, type RequestInput, RequestReader, inputFile, inputFromStandard, inputText } from "../fetch/index.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import { UsageError } from "./usage-error.ts";

/** What there is to read requests from. */
export interface FoundInputs {
  /** In the order in which they are read. */
  readonly inputs: readonly RequestInput[];
  /** For messages about lines where there is only one. */
  readonly name: string;
  /** Requests in them, where that is known beforehand. */
  readonly total: number | undefined;
}

/** @throws {UsageError} something cannot be read, or a URL of the command line is wrong */
export async function findInputs({ urls, inputs: named, baseUrl }: FetchSettings): Promise<FoundInputs> {
  if (named.length === 0) {
    const text = urls.join("\n");
    refuseWrongUrls(Buffer.from(text), urls.length, baseUrl);
    const name = "command line";
    return { inputs: [inputText(name, text)], name, total: urls.length };
  }
  const inputs: RequestInput[] = [];
  for (const name of named) {
    if (name === "-") inputs.push(inputFromStandard());
    else for (const path of await expand(name)) inputs.push(await readable(path));
  }
  if (named.filter((name) => name === "-").length > 1) throw new UsageError("Standard input can be read only once");
  return { inputs, name: inputs[0]!.name, total: undefined };
}

async function readable(path: string): Promise<RequestInput> {
  try {
    return await inputFile(path);
  } catch (error) {
    throw new UsageError(`Cannot read requests: ${(error as Error).message}`, undefined, { cause: error });
  }
}

/** A file of that very name comes before those that it matches as a pattern. */
async function expand(name: string): Promise<string[]> {
  if (!/[*?[{]/.test(name) || (await exists(name))) return [name];
  const paths: string[] = [];
  for await (const entry of glob(name, { withFileTypes: false })) {
    // What is not there, as behind a broken link, is told when it is to be read.
    const isFolder = await stat(entry).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (!isFolder) paths.push(entry);
  }
  if (paths.length === 0) throw new UsageError(`No file matches \`${name}\``);
  return paths.toSorted((a, b) => (a < b ? -1 : 1));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** On the command line a wrong URL is a slip, and nothing has been asked yet: nothing will be. */
function refuseWrongUrls(bytes: Buffer, count: number, baseUrl: string | undefined): void {
  const reader = new RequestReader({ headers: [], format: "urls", baseUrl });
  reader.feed(bytes);
  reader.end();
  let found = 0;
  for (let next = reader.next(); next !== undefined; next = reader.next()) {
    if (next instanceof BadLine) throw new UsageError(next.message);
    found++;
  }
  if (found !== count)
    throw new UsageError("An argument is empty, or no URL", "quote URLs: `&` and `#` mean something to the shell");
}
