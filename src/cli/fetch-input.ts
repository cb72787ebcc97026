import { BadLine, type ByteInput, RequestReader, bytesInput, openInput, standardInput } from "../fetch/index.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import { UsageError } from "./usage-error.ts";

/** What there is to read requests from. */
export interface OpenedInput {
  readonly input: ByteInput;
  /** For messages about its lines. */
  readonly name: string;
  /** Requests in it, where that is known beforehand. */
  readonly total: number | undefined;
}

/** @throws {UsageError} it cannot be opened, or a URL of the command line is wrong */
export async function openRequests({ urls, input }: FetchSettings): Promise<OpenedInput> {
  if (input === undefined) {
    const bytes = Buffer.from(urls.join("\n"));
    refuseWrongUrls(bytes, urls.length);
    return { input: bytesInput(bytes), name: "command line", total: urls.length };
  }
  if (input === "-") return { input: await standardInput(), name: "standard input", total: undefined };
  try {
    return { input: await openInput(input), name: input, total: undefined };
  } catch (error) {
    throw new UsageError(`Cannot read requests: ${(error as Error).message}`, undefined, { cause: error });
  }
}

/** On the command line a wrong URL is a slip, and nothing has been asked yet: nothing will be. */
function refuseWrongUrls(bytes: Buffer, count: number): void {
  const reader = new RequestReader({ headers: [], format: "urls" });
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
