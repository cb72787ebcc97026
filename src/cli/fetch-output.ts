import { stat } from "node:fs/promises";
import { type Destination, openDestination, standardOutput } from "../fetch/index.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import { UsageError } from "./usage-error.ts";

/** @throws {UsageError} the results cannot be written there */
export async function openResults({ input, output }: FetchSettings): Promise<Destination> {
  if (output === undefined) return standardOutput();
  if (input !== undefined && input !== "-" && (await isSameFile(input, output))) {
    throw new UsageError(`\`${output}\` is the input`, "results in its place would delete the requests");
  }
  try {
    return await openDestination(output);
  } catch (error) {
    throw new UsageError(`Cannot write results: ${(error as Error).message}`, undefined, { cause: error });
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other).catch(() => undefined)]);
  return b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
