import { realClock, toItsEnd } from "../../core/index.ts";
import { DiskLine } from "./disk-line.ts";

/** Threads that libuv does blocking work on, unless `UV_THREADPOOL_SIZE` says otherwise. */
const defaultThreads = 4;

/** Of all in this process. */
const line = new DiskLine(threadCount(), realClock);

function threadCount(): number {
  const size = Number(process.env["UV_THREADPOOL_SIZE"]);
  return Number.isInteger(size) && size >= 1 ? Math.min(size, 1_024) : defaultThreads;
}

/**
 * Does something with the file system, when it is its turn.
 *
 * Cancel: leaves the line. What has begun cannot be stopped, and is waited for: its result is returned, and the next
 * checkpoint throws.
 *
 * @param what - for the tree: `read /etc/hosts`
 */
export async function onDisk<T>(what: string, work: () => Promise<T>): Promise<T> {
  const call = await line.enter(what);
  const leave = (): void => line.leave(call);
  const result = Promise.try(work);
  // Not when nobody waits any more, because the scope has ended: the thread is still taken then.
  result.then(leave, leave);
  try {
    return await toItsEnd(what, () => result);
  } catch (error) {
    // Errors of the system know nothing of who has called.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}
