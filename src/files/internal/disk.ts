import { toItsEnd } from "../../core/index.ts";
import { Semaphore } from "../../sync/index.ts";

/** Threads that libuv does blocking work on, unless `UV_THREADPOOL_SIZE` says otherwise. */
const defaultThreads = 4;

/**
 * Who is with the system, of all in this process.
 *
 * Names are looked up and bodies are compressed on the same threads, and one file system that hangs takes all that it is
 * given: so one thread is left to the others.
 */
const threads = new Semaphore(Math.max(1, threadCount() - 1), { name: "disk" });

function threadCount(): number {
  const size = Number(process.env["UV_THREADPOOL_SIZE"]);
  return Number.isInteger(size) && size >= 1 ? Math.min(size, 1_024) : defaultThreads;
}

/**
 * Does something with the file system, when a thread is free for it.
 *
 * Cancel: leaves the line. What has begun cannot be stopped, and is waited for: its result is returned, and the next
 * checkpoint throws.
 *
 * @param what - for the tree: `read /etc/hosts`
 */
export async function onDisk<T>(what: string, work: () => Promise<T>): Promise<T> {
  const thread = await threads.acquire();
  try {
    return await toItsEnd(what, work);
  } finally {
    thread.release();
  }
}
