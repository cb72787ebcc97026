import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import type { Document } from "./documents.ts";

interface Result {
  readonly id: number;
  readonly status?: number;
  readonly bodyType?: "text" | "json" | "base64";
  readonly body?: unknown;
}

/** Compares every body in the results with the file it was made of. Returns what is wrong. */
export async function verify(results: string, root: string, documents: readonly Document[]): Promise<string[]> {
  const problems: string[] = [];
  const missing = new Set(documents.keys());
  for await (const line of createInterface({ input: createReadStream(results), crlfDelay: Infinity })) {
    const result = JSON.parse(line) as Result;
    const index = result.id - 1;
    const document = documents[index];
    if (document === undefined || !missing.delete(index)) problems.push(`result ${result.id} is one too many`);
    else if (!isSame(result, readFileSync(join(root, document.path)))) problems.push(`${document.path} differs`);
  }
  for (const index of missing) problems.push(`${documents[index]!.path} has no result`);
  return problems;
}

function isSame({ status, bodyType, body }: Result, file: Buffer): boolean {
  if (status !== 200) return false;
  // JSON is taken into the results as JSON, so its line ends are gone: what it says must be the same.
  if (bodyType === "json") return isDeepStrictEqual(body, JSON.parse(file.toString("utf8").replace(/^\ufeff/, "")));
  return Buffer.from(body as string, bodyType === "base64" ? "base64" : "utf8").equals(file);
}
