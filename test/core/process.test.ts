/** What a process does that runs our tasks: signals, exit codes, what keeps it alive, what crashes it. */
import { describe, expect, test } from "vitest";
import { runProgram, start } from "./program.ts";

const patienceMs = 30_000;

describe.concurrent("a process", { timeout: patienceMs }, () => {
  test.for([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s cancels the tree, and when that has ended the process exits %d, silently", async ([signal, code]) => {
    const program = start("obedient");
    await program.printed("ready");
    program.kill(signal);

    expect(await program.ended).toEqual({
      exitCode: code,
      stdout: ["ready", `cleaned up after {"kind":"signal","signal":"${signal}"}`],
      stderr: "",
    });
  });

  test("a second signal prints the tasks that would not stop and where each waits, and exits", async () => {
    const program = start("stubborn");
    await program.printed("ready");
    program.kill("SIGTERM");
    await program.printed("cancelled");
    program.kill("SIGINT");
    const { exitCode, stderr } = await program.ended;

    expect(exitCode).toBe(143);
    expect(stderr.trim().split("\n")).toEqual([
      "Stopped by SIGTERM, but these tasks did not end within 60 s or before a second signal:",
      "run",
      "└─ workers",
      "   ├─ foreign: computes, or waits for a foreign promise",
      "   └─ shielded",
      '      └─ shield: waits for an item in Queue "jobs"',
    ]);
  });

  test("a tree that does not end within graceMs is printed, and the process exits", async () => {
    const program = start("impatient");
    await program.printed("ready");
    program.kill("SIGINT");
    const { exitCode, stderr } = await program.ended;

    expect(exitCode).toBe(130);
    expect(stderr).toContain("these tasks did not end within 50 ms");
    expect(stderr).toContain("run: computes, or waits for a foreign promise");
  });

  test("a signal cancels all runs of the process, which exits when the last has ended", async () => {
    const program = start("twoRuns");
    await program.printed("ready");
    program.kill("SIGINT");

    expect(await program.ended).toEqual({ exitCode: 130, stdout: ["ready", "short", "long"], stderr: "" });
  });

  test("a run that starts when the process is on its way out is cancelled at once", async () => {
    const program = start("lateRun");
    await program.printed("ready");
    program.kill("SIGINT");

    expect(await program.ended).toEqual({
      exitCode: 130,
      stdout: ["ready", "second run", "cleaned up"],
      stderr: "",
    });
  });

  test("a run inside another is cancelled with it, and one that cleans up behind a shield is not", async () => {
    const program = start("cleansUpInRun");
    await program.printed("ready");
    program.kill("SIGINT");

    expect(await program.ended).toEqual({ exitCode: 130, stdout: ["ready", "cleaned up"], stderr: "" });
  });

  test("an error during the shutdown is printed, and the exit code is still that of the signal", async () => {
    const program = start("failsWhileStopping");
    await program.printed("ready");
    program.kill("SIGTERM");
    const { exitCode, stderr } = await program.ended;

    expect(exitCode).toBe(143);
    expect(stderr).toContain("Error: the cleanup failed");
  });

  test("a main that fails by itself ends the process as any error does", async () => {
    const { exitCode, stderr } = await runProgram("failsByItself");

    expect(exitCode).toBe(1);
    expect(stderr).toContain("Error: main failed");
  });

  test.for(["deadlockInRun", "deadlockOutsideRun"] as const)(
    "%s: while something waits the process stays alive, and says that nothing can end the wait",
    async (name) => {
      const { exitCode, stdout, stderr } = await runProgram(name);

      expect(exitCode).toBe(0);
      expect(stdout).toEqual(["TASKWRIGHT_DEADLOCK", "item"]);
      expect(stderr).toContain("This looks like a deadlock:");
      expect(stderr).toContain('waits for an item in Queue "jobs"');
    },
  );

  test.for(["waitsForSignal", "waitsForSignalInside", "waitsForSignalInTask"] as const)(
    "%s: a tree that handles signals may wait in sleep(Infinity) for one, and is in no deadlock",
    async (name) => {
      const program = start(name);
      await program.printed("idle");
      program.kill("SIGINT");

      expect(await program.ended).toEqual({ exitCode: 130, stdout: ["idle"], stderr: "" });
    },
  );

  test.for([
    ["deadlockWithoutSignals", "run: waits for sleep without end"],
    ["deadlockBesideSignals", "other: waits for sleep without end"],
    ["deadlockBehindShield", "run"],
    ["deadlockBesideDaemon", "run"],
  ] as const)("%s: a sleep(Infinity) that no signal ends is one", async ([name, drawn]) => {
    expect(await runProgram(name)).toMatchObject({ exitCode: 0, stdout: [`TASKWRIGHT_DEADLOCK: ${drawn}`] });
  });

  test("an unhandled Cancelled of a cancelled scope does not crash the process", async () => {
    expect(await runProgram("forgottenByCancellation")).toEqual({ exitCode: 0, stdout: ["went on"], stderr: "" });
  });

  test("nor does what is forgotten by cancellation, and cleans up for longer than its scope lives", async () => {
    expect(await runProgram("forgottenInCleanup")).toEqual({ exitCode: 0, stdout: ["went on"], stderr: "" });
  });

  test("nor does what is forgotten by cancellation, and meets it again while it disposes of something", async () => {
    expect(await runProgram("forgottenWhileDisposing")).toEqual({ exitCode: 0, stdout: ["went on"], stderr: "" });
  });

  test("any other unhandled rejection does, as always", async () => {
    const { exitCode, stdout, stderr } = await runProgram("otherRejection");

    expect(exitCode).toBe(1);
    expect(stdout).toEqual([]);
    expect(stderr).toContain("Error: nobody handles this");
  });

  test("so it does where two copies of the package look after it", async () => {
    const { exitCode, stdout, stderr } = await runProgram("otherRejectionWithTwoCopies");

    expect([exitCode, stdout]).toEqual([1, ["nothing yet"]]);
    expect(stderr).toContain("Error: nobody handles this");
  });

  test("a rejection with something that is no error is reported as Node does", async () => {
    const { exitCode, stderr } = await runProgram("otherRejectionWithoutError");

    expect(exitCode).toBe(1);
    expect(stderr).toContain("ERR_UNHANDLED_REJECTION");
    expect(stderr).toContain("was rejected with a value without a text form");
  });

  test("a listener of the program decides about unhandled rejections", async () => {
    expect(await runProgram("otherRejectionWithListener")).toEqual({
      exitCode: 0,
      stdout: ["heard of Error: nobody handles this", "went on"],
      stderr: "",
    });
  });

  test.for(["none", "warn"])("so does --unhandled-rejections=%s", async (mode) => {
    const { exitCode, stdout } = await runProgram("otherRejection", [`--unhandled-rejections=${mode}`]);

    expect(exitCode).toBe(0);
    expect(stdout).toEqual(["went on"]);
  });

  test("outside any run the error of a background task is an uncaught exception", async () => {
    expect(await runProgram("backgroundFailsOutsideRun")).toMatchObject({
      exitCode: 0,
      stdout: ["uncaught: background failed"],
    });
    expect(await runProgram("backgroundCrashesOutsideRun")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("Error: background failed") as string,
    });
  });

  test("a promise that floats out of its scope is found: the process crashes, and names the scope", async () => {
    const { exitCode, stderr } = await runProgram("floating");

    expect(exitCode).toBe(1);
    expect(stderr).toContain("ScopeClosedError: careless has ended, but code started in it still runs");
  });

  test("nothing that has ended, was cancelled or was abandoned keeps the process alive", async () => {
    expect(await runProgram("leavesNothing")).toEqual({ exitCode: 0, stdout: ["1"], stderr: "" });
  });

  test("what sleeps keeps the process alive", async () => {
    expect(await runProgram("sleepsOnItsOwn")).toEqual({
      exitCode: 0,
      stdout: ["woke up", "background"],
      stderr: "",
    });
  });

  test("a cancelled scope that has not ended after a second says once which task awaits what cannot be cancelled", async () => {
    const { exitCode, stderr } = await runProgram("stuck");

    expect(exitCode).toBe(0);
    expect(stderr.match(/TASKWRIGHT_STUCK/g)).toHaveLength(1);
    expect(stderr).toMatch(
      /workers was cancelled [\d.]+ s ago \(enough, by .*programs\.ts:\d+:\d+\)+ and has not ended/,
    );
    expect(stderr).toContain("wrap such promises in interruptible()");
    expect(stderr).toMatch(/\nrun > workers > foreign \(task \d+\): computes, or waits for a foreign promise\n/);
    expect(stderr).not.toContain("shielded");
  });

  test("of very many that await what cannot be cancelled some are shown, each with its place and its number", async () => {
    const { stderr } = await runProgram("stuckInMany");
    const lines = stderr.split("\n");
    const path = "... > level 6 > level 5 > level 4 > level 3 > level 2 > level 1 > group > same";

    expect(lines[0]).toMatch(/moveOnAfter was cancelled [\d.]+ s ago \(the deadline passed\) and has not ended\./);
    expect(lines[1]).toBe(`${path} (task 1): computes, or waits for a foreign promise`);
    expect(lines[11]).toBe("... and 2 more tasks");
  });

  test("a cancelled scope in which something awaits what cannot be cancelled is shown without tasks, too", async () => {
    const { stderr } = await runProgram("stuckWithoutTask");

    expect(stderr).toMatch(/cancelScope was cancelled [\d.]+ s ago \(requested, by /);
    expect(stderr).toMatch(/\nthe program > cancelScope: computes, or waits for a foreign promise\n/);
  });

  test("a cancelled scope that cleans up for longer in waits of ours is not stuck", async () => {
    expect(await runProgram("slowButNotStuck")).toEqual({ exitCode: 0, stdout: [], stderr: "" });
  });

  test("of a million tasks that have ended a group keeps nothing", async () => {
    expect(await runProgram("millionTasks", ["--expose-gc"])).toEqual({
      exitCode: 0,
      stdout: ["1050000", "nothing is kept"],
      stderr: "",
    });
  });

  test("of a million timers that were cancelled nothing is kept", async () => {
    expect(await runProgram("millionTimers", ["--expose-gc"])).toEqual({
      exitCode: 0,
      stdout: ["nothing is kept"],
      stderr: "",
    });
  });
});
