import { parentPort } from "node:worker_threads";

/** What a thread says of a parcel: undefined if all of it was written. */
export type WriterReply = { readonly code: string | undefined; readonly message: string } | undefined;

/**
 * The other side of a `WriterThread`: takes one parcel after the other.
 *
 * @param write - writes all of a parcel, or throws
 * @param close - called when there are no more
 */
export function takeParcels(write: (parcel: never) => void, close: () => void = () => {}): void {
  const port = parentPort!;
  port.on("message", (parcel: unknown) => {
    port.postMessage(attempt(() => (parcel === null ? close() : write(parcel as never))));
  });
}

function attempt(action: () => void): WriterReply {
  try {
    action();
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { code, message };
  }
}
