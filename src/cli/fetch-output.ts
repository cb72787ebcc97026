import { stat } from "node:fs/promises";
import {
  BodyFolder,
  type Destination,
  JsonLinesOutput,
  type RequestInput,
  type ResultOutput,
  openDestination,
  standardOutput,
} from "../fetch/index.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import { UsageError } from "./usage-error.ts";

/** @throws {UsageError} the results cannot be written there */
export async function openResults(settings: FetchSettings, inputs: readonly RequestInput[]): Promise<ResultOutput> {
  const lines = new JsonLinesOutput({
    destination: await openFile(settings.output, inputs),
    withHeaders: settings.withHeaders,
    format: settings.outputFormat,
  });
  return withBodyFolder(lines, settings.bodiesFolder);
}

function withBodyFolder(results: ResultOutput, folder: string | undefined): ResultOutput {
  if (folder === undefined) return results;
  try {
    return new BodyFolder(folder, results);
  } catch (error) {
    throw new UsageError(`Cannot write bodies: ${(error as Error).message}`, undefined, { cause: error });
  }
}

async function openFile(output: string | undefined, inputs: readonly RequestInput[]): Promise<Destination> {
  if (output === undefined) return standardOutput();
  for (const { path } of inputs) {
    if (path !== undefined && (await isSameFile(path, output))) {
      throw new UsageError(
        `\`${output}\` is ${inputs.length > 1 ? "an" : "the"} input`,
        "results in its place would delete the requests",
      );
    }
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
