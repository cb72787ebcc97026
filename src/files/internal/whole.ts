import * as fs from "node:fs";
import { promisify } from "node:util";
import { writeAll } from "./write-all.ts";

// By descriptors: with a handle of `node:fs/promises` for each, small files take nearly twice as long.
const open = promisify(fs.open);
const read = promisify(fs.read);
const fstat = promisify(fs.fstat);
const close = promisify(fs.close);

/** More is not asked for at once. */
const mostBytes = 16 * 1024 * 1024;

/** Where nobody knows how much is to come. */
const chunkBytes = 64 * 1024;

/** Reads a file to its end. */
export async function readWhole(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { size } = await fstat(file);
    return size > 0 ? await fill(file, Buffer.allocUnsafeSlow(size)) : await readToEnd(file);
  } finally {
    await close(file);
  }
}

/** Writes a file, in place of what it held. */
export async function writeWhole(path: string, bytes: Uint8Array, mode: number | undefined): Promise<void> {
  const file = await open(path, "w", mode);
  try {
    await writeAll(file, bytes);
  } finally {
    await close(file);
  }
}

/** What is no file on a disk, such as a pipe, is said to be empty. */
async function readToEnd(file: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = await fill(file, Buffer.allocUnsafeSlow(chunkBytes));
    chunks.push(chunk);
    if (chunk.length < chunkBytes) return Buffer.concat(chunks);
  }
}

/** Reads on until `buffer` is full or the file ends. Returns what of it is in use. */
async function fill(file: number, buffer: Buffer): Promise<Buffer> {
  let end = 0;
  while (end < buffer.length) {
    const { bytesRead } = await read(file, buffer, end, Math.min(buffer.length - end, mostBytes), null);
    // Only nothing is the end: pipes and what the system makes up give less than was asked for in the middle, too.
    if (bytesRead === 0) return buffer.subarray(0, end);
    end += bytesRead;
  }
  return buffer;
}
