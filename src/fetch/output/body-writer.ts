/**
 * The thread that writes the files of a folder of bodies.
 *
 * With calls that wait, since nothing else happens here: for many small files they take a third of the time of those that
 * do not, and the thread of the requests has none of it.
 */
import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { join } from "node:path";
import { takeParcels } from "./writer-thread-side.ts";

/** Files to be written. */
export interface BodyParcel {
  readonly names: readonly string[];
  readonly lengths: readonly number[];
  /** The bodies, one after the other. */
  readonly bytes: Uint8Array;
}

const { folder } = workerData as { readonly folder: string };

takeParcels(({ names, lengths, bytes }: BodyParcel) => {
  let from = 0;
  for (const [index, name] of names.entries()) {
    const to = from + lengths[index]!;
    writeWhole(name, bytes.subarray(from, to));
    from = to;
  }
});

/** Under another name until it is whole: no part of a body is ever taken for all of it. */
function writeWhole(name: string, bytes: Uint8Array): void {
  const partial = join(folder, `.${name}.part`);
  try {
    const fd = openSync(partial, "w");
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    } finally {
      closeSync(fd);
    }
    renameSync(partial, join(folder, name));
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}
