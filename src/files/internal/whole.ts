import * as fs from "node:fs";
import { promisify } from "node:util";
import { writeAll } from "./write-all.ts";

// By descriptors: handles, as of `node:fs/promises`, cost more than the rest.
const open = promisify(fs.open);
const read = promisify(fs.read);
const fstat = promisify(fs.fstat);
const close = promisify(fs.close);

/** Most files are shorter, and read without asking how long they are. */
const sharedBytes = 64 * 1024;

/** Buffers to read short files into, as many as were ever read at once. */
const spare: Buffer[] = [];

/** As much is asked for at once. */
const pieceBytes = 16 * 1024 * 1024;

/**
 * Reads a file to its end.
 *
 * @param use - makes something of the bytes; those that are shared will be something else
 */
export async function readWhole<T>(path: string, use: (bytes: Buffer, isShared: boolean) => T): Promise<T> {
  const file = await open(path, "r");
  const shared = spare.pop() ?? Buffer.allocUnsafeSlow(sharedBytes);
  try {
    const length = await fill(file, shared, 0);
    if (length < sharedBytes) return use(shared.subarray(0, length), true);
    return use(await readLong(file, shared), false);
  } finally {
    spare.push(shared);
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

async function readLong(file: number, beginning: Buffer): Promise<Buffer> {
  const { size } = await fstat(file);
  let bytes = beginning;
  // One byte more than it should have, to see that it ends there. What is no file on a disk is said to have none.
  for (let room = size < bytes.length ? 2 * bytes.length : size + 1; ; room *= 2) {
    const larger = Buffer.allocUnsafeSlow(room);
    bytes.copy(larger);
    const length = await fill(file, larger, bytes.length);
    if (length < room) return larger.subarray(0, length);
    bytes = larger;
  }
}

/**
 * Reads on, into `buffer` from `at` on, until it is full or the file ends.
 *
 * @returns how much of `buffer` is in use then
 */
async function fill(file: number, buffer: Buffer, at: number): Promise<number> {
  let length = at;
  while (length < buffer.length) {
    const { bytesRead } = await read(file, buffer, length, Math.min(buffer.length - length, pieceBytes), null);
    // Only nothing is the end: pipes and what the system makes up give less than was asked for in the middle, too.
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}
