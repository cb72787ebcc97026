import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { type ByteInput, bytesInput, directoryError, openInput, standardInput } from "./byte-input.ts";
import { decompressed } from "./decompressed-input.ts";

/** Something that requests are read from. It is opened when its turn comes. */
export interface RequestInput {
  /** For messages about its lines. */
  readonly name: string;
  /** Where the file is, if it is one. */
  readonly path: string | undefined;
  /** Bytes in it, as it is stored, where that is known beforehand. */
  readonly size: number | undefined;
  open(): Promise<ByteInput>;
}

/** The file at `path`, as it is or compressed. Rejects at once where it could not be read later. */
export async function inputFile(path: string): Promise<RequestInput> {
  const stats = await stat(path);
  if (stats.isDirectory()) throw directoryError(path);
  await access(path, constants.R_OK);
  // To open a pipe that nobody writes to waits for ever. At once Ctrl-C still ends it, as it ends any program.
  const pipe = stats.isFIFO() ? await openInput(path) : undefined;
  const size = stats.isFile() ? stats.size : undefined;
  return { name: path, path, size, open: async () => decompressed(pipe ?? (await openInput(path))) };
}

/** What comes in on standard input, as it is or compressed. */
export function inputFromStandard(): RequestInput {
  return { name: "standard input", path: undefined, size: undefined, open: openStandard };
}

/** Text that is there already. */
export function inputText(name: string, text: string): RequestInput {
  const bytes = Buffer.from(text);
  return { name, path: undefined, size: bytes.length, open: () => Promise.resolve(bytesInput(bytes)) };
}

async function openStandard(): Promise<ByteInput> {
  return decompressed(await standardInput());
}
