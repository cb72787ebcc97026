import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openTempFolder, readText } from "taskwright/files";
import { childrenOf, gone } from "./processes.ts";
import type { ProgramName } from "./programs.ts";

const programs = `${import.meta.dirname}/programs.ts`;

/** Runs a program that leads a group of processes, as those do that a terminal starts. */
function start(name: ProgramName, argument = "", nodeEnv = "development"): ChildProcess {
  const args = ["--conditions=taskwright-source", programs, name, argument];
  const program = spawn(process.execPath, args, { detached: true, env: { ...process.env, NODE_ENV: nodeEnv } });
  onTestFinished(() => void program.kill("SIGKILL"));
  return program;
}

/** The first lines that it prints. */
async function lines(program: ChildProcess, count: number): Promise<string[]> {
  const found: string[] = [];
  for await (const line of createInterface({ input: program.stdout! })) if (found.push(line) === count) break;
  return found;
}

async function hintsOf(name: ProgramName, nodeEnv?: string): Promise<string[]> {
  const said = await text(start(name, "", nodeEnv).stderr!);
  return said.split("\n").filter((line) => line.includes("TASKWRIGHT_QUICK_TASK"));
}

describe("a program is told that a task is too quick for a worker", () => {
  test("once, on its first such task that is called often on its own", async () => {
    const hints = await hintsOf("callOften");

    expect(hints).toHaveLength(1);
    expect(hints[0]).toMatch(/task add takes \d+ µs on the average/);
  });

  test("not in production, and not of tasks that take longer or go over many at a time", async () => {
    expect(await hintsOf("callOften", "production")).toEqual([]);
    expect(await hintsOf("callSlowly")).toEqual([]);
  });
});

test.for([
  ["--expose-gc", "--inspect=0"],
  ["--expose-gc", "--test"],
  ["--expose-gc", "--test", "--test-isolation=none"],
])("workers start in a program that has the flags %s", async (flags) => {
  const both = fileURLToPath(new URL("both.ts", import.meta.url));
  const program = spawn(process.execPath, ["--conditions=taskwright-source", ...flags, both]);

  const said = await text(program.stdout);

  expect(said).toContain("threads say 3");
  expect(said).toContain("processes say 3");
});

test("the shared pool is as the program has set it up, before it is used", async () => {
  expect(await lines(start("configureShared"), 2)).toEqual([
    "by init",
    "The shared pool is in use already: call configureSharedPool() first",
  ]);
});

describe("processes of a pool", () => {
  test("end with the program, although it is killed and they compute, wait, or are in native code", async () => {
    await using folder = await openTempFolder();
    const program = start("holdProcesses", folder.at("never"));
    await lines(program, 4);
    const workers = childrenOf(program.pid!);
    expect(workers).toHaveLength(4);
    const all = (): number[] => [...workers, ...workers.flatMap(childrenOf)];
    // The shell that native code waits for, which starts after its task said so.
    await vi.waitFor(() => expect(all()).toHaveLength(5), 10_000);
    const last = all();

    program.kill("SIGKILL");

    await gone(...last);
  });

  test("do not hear Ctrl-C themselves, and so can clean up when the program cancels their tasks", async () => {
    await using folder = await openTempFolder();
    const program = start("waitForSignal", folder.at("cleaned"));
    await lines(program, 1);
    const workers = childrenOf(program.pid!);

    // The terminal tells the whole group.
    process.kill(-program.pid!, "SIGINT");
    const [exitCode] = (await once(program, "exit")) as [number];

    expect(exitCode).toBe(130);
    expect(await readText(folder.at("cleaned"))).toBe("cleaned up");
    expect(workers).toHaveLength(1);
    await gone(...workers);
  });

  test("that cannot be started for lack of file descriptors fail their call, and the next one has its own", async () => {
    const limited = `ulimit -n 60; exec "${process.execPath}" --conditions=taskwright-source "${programs}" openTooMany`;
    const program = spawn("/bin/sh", ["-c", limited]);

    const [failed, healed] = await lines(program, 2);

    expect(failed).toMatch(/^the process of task add could not be started: .*EMFILE$/);
    expect(healed).toBe("2");
  });

  test("that are idle, and threads, keep no program from its end, and end with it", async () => {
    const program = start("leaveOpen");
    const exit = once(program, "exit");
    const [own, worker] = await lines(program, 2);

    expect(await exit).toEqual([0, null]);
    expect(Number(own)).toBe(program.pid);
    await gone(Number(worker));
  });
});
