import { write } from "node:fs";

/**
 * Writes as much of what follows `from` as the system takes at once.
 *
 * @param position - in the file; null for where it is
 * @returns how many bytes
 */
export function writeSome(fd: number, bytes: Buffer, from: number, position: number | null): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, from, bytes.length - from, position, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}
