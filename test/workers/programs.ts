/** The programs that the tests of workers run, each by its name. What they print is read as it comes. */
import { closeSync, openSync } from "node:fs";
import { run, sleep } from "taskwright";
import { configureSharedPool, openProcessPool, openThreadPool, toThread } from "taskwright/workers";
import * as tasks from "./tasks.ts";

export type ProgramName =
  | "callSlowly"
  | "callOften"
  | "holdProcesses"
  | "waitForSignal"
  | "openTooMany"
  | "configureShared"
  | "leaveOpen";

const print = (line: unknown): void => console.log(line);

const callOften = async (): Promise<void> => {
  await using pool = openThreadPool({ size: 1 });
  await pool.run(tasks.add, 0, 1);
  for (let round = 0; round < 2; round++) {
    await Promise.all(Array.from({ length: 2_000 }, (_, i) => pool.run(tasks.add, i, 1)));
  }
};

const programs: Record<ProgramName, (argument: string) => Promise<void>> = {
  /** Calls quick tasks, and slow ones, and quick ones many at a time. */
  async callSlowly(): Promise<void> {
    await using pool = openThreadPool({ size: 1 });
    await Promise.all(Array.from({ length: 1_200 }, () => pool.run(tasks.spin, 0.2)));
    const numbers = Array.from({ length: 5_000 }, (_, i) => i);
    await pool.map(numbers, tasks.squareRoot);
  },

  async callOften(): Promise<void> {
    await callOften();
    await callOften();
  },

  /** Three processes that would run for ever, each in another way, and one that has nothing to do. */
  async holdProcesses(path: string): Promise<void> {
    const pool = openProcessPool({ size: 4 });
    await Promise.all([
      pool.run({ task: tasks.reportAndSpin, onProgress: print }),
      pool.run({ task: tasks.neverAnswer, onProgress: print }),
      pool.run({ task: tasks.reportAndBlock, onProgress: print }, path),
      pool.run({ task: tasks.reportOften, onProgress: () => print(0) }, 1),
    ]);
  },

  /** Waits in a task until a signal comes. */
  async waitForSignal(path: string): Promise<void> {
    await run(async () => {
      const pool = openProcessPool({ size: 1, graceMs: 10_000 });
      await pool.run({ task: tasks.writeOnCancel, onProgress: print }, path);
    });
  },

  /** Starts a process when no file can be opened any more, and when some can again. */
  async openTooMany(): Promise<void> {
    await using pool = openProcessPool({ size: 1 });
    // So that all is loaded.
    await pool.run(tasks.exit, 0).catch(() => {});
    const files: number[] = [];
    try {
      for (;;) files.push(openSync("/dev/null", "r"));
    } catch {
      // There is none left.
    }
    const outcome = await pool.run(tasks.add, 1, 1).catch((error: Error) => error.message);
    for (const file of files) closeSync(file);
    print(outcome);
    print(await pool.run(tasks.add, 1, 1));
  },

  /** Has the shared pool as it was set up. */
  async configureShared(): Promise<void> {
    configureSharedPool({ size: 1, init: { module: new URL("tasks.ts", import.meta.url), name: "init" } });
    print(await toThread(tasks.howSetUp));
    try {
      configureSharedPool({ size: 2 });
    } catch (error) {
      print((error as Error).message);
    }
  },

  /** Ends without closing what it has opened, outside any scope. */
  async leaveOpen(): Promise<void> {
    const pools = [openThreadPool({ size: 1, idleMs: 60_000 }), openProcessPool({ size: 1, idleMs: 60_000 })];
    for (const pool of pools) print(await pool.run(tasks.processId));
    await sleep(10);
  },
};

if (import.meta.main) await programs[process.argv[2] as ProgramName](process.argv[3] ?? "");
