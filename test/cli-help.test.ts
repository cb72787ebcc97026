/** What the command tells about itself: help, and completions that a real shell takes. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { fetchFlags } from "../src/cli/fetch-flags.ts";
import { TemporaryFolder, runCli } from "./cli.ts";

const execute = promisify(execFile);

describe("help", () => {
  test("is short with -h and long with --help, whatever else is given", async () => {
    const [short, long, byName, wrong] = await Promise.all([
      runCli(["fetch", "-h"]),
      runCli(["fetch", "--help"]),
      runCli(["help", "fetch"]),
      runCli(["fetch", "--no-such-flag", "-i", "/nonexistent", "--help"]),
    ]);
    expect(short).toMatchObject({ code: 0, stderr: "" });
    expect(long).toMatchObject({ code: 0, stderr: "" });
    expect(long.stdout.length).toBeGreaterThan(3 * short.stdout.length);
    expect([byName, wrong]).toEqual([long, long]);
  });

  test("has no colours where it is piped, unless they are asked for", async () => {
    const bold = "\u001b[1mExit codes\u001b[0m\n";
    const env = { NO_COLOR: "" };
    expect((await runCli(["fetch", "--help"], { env })).stdout).not.toContain("\u001b");
    expect((await runCli(["fetch", "--help"], { env: { ...env, FORCE_COLOR: "1" } })).stdout).toContain(bold);
    expect((await runCli(["fetch", "--help"], { env: { FORCE_COLOR: "1" } })).stdout).not.toContain(bold);
  });

  test("is not hidden by what looks like it and is none", async () => {
    const { code, stderr } = await runCli(["fetch", "--", "-h"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Expected an http or https URL, got `-h`");
  });

  test("of all commands comes without arguments, and for a command that there is not, a hint", async () => {
    const [none, all, unknown] = await Promise.all([runCli([]), runCli(["--help"]), runCli(["help", "fech"])]);
    expect(none).toEqual(all);
    expect(none.stdout).toContain("taskwright fetch [flags] URL...");
    expect(unknown).toMatchObject({ code: 2, stdout: "" });
    expect(unknown.stderr).toBe("taskwright: Unknown command fech: did you mean `taskwright fetch`?\n");
  });
});

describe("completions", () => {
  test("are there for three shells, and for no others", async () => {
    const ends = await Promise.all(["bash", "zsh", "fish"].map((shell) => runCli(["completions", shell])));
    for (const { code, stdout } of ends) {
      expect(code).toBe(0);
      for (const name of Object.keys(fetchFlags)) expect(stdout).toContain(name);
    }
    expect(await runCli(["completions", "tcsh"])).toMatchObject({
      code: 2,
      stdout: "",
      stderr:
        "taskwright completions: Expected one of bash, zsh, fish: such as `source <(taskwright completions bash)` in ~/.bashrc\n",
    });
  });

  test("are what bash offers", async () => {
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("completions"), (await runCli(["completions", "bash"])).stdout);
    writeFileSync(folder.at("my list.txt"), "");
    mkdirSync(folder.at("my folder"));
    const offered = async (...words: string[]): Promise<string[]> => {
      const script = `source ./completions; shift 0; COMP_WORDS=(taskwright "$@"); COMP_CWORD=$#; _taskwright; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await execute("bash", ["--norc", "-c", script, "bash", ...words], { cwd: folder.path });
      return stdout.split("\n").filter((line) => line !== "");
    };
    expect(await offered("f")).toEqual(["fetch"]);
    expect(await offered("help", "")).toEqual(["fetch", "demo", "completions", "help"]);
    expect(await offered("completions", "z")).toEqual(["zsh"]);
    expect(await offered("fetch", "--proxy")).toEqual(["--proxy", "--proxy-user"]);
    expect(await offered("fetch", "--max-t")).toEqual(["--max-time"]);
    expect(await offered("fetch", "--progress", "p")).toEqual(["plain"]);
    expect(await offered("fetch", "--progress", "=", "b")).toEqual(["bar"]);
    expect(await offered("fetch", "--progress", "=")).toEqual(["auto", "bar", "plain", "none"]);
    expect(await offered("fetch", "-X", "PU")).toEqual(["PUT"]);
    expect((await offered("fetch", "-i", "my")).toSorted()).toEqual(["my folder", "my list.txt"]);
    expect(await offered("fetch", "--save-bodies", "my")).toEqual(["my folder"]);
    expect(await offered("fetch", "-c", "")).toEqual(["auto"]);
    expect(await offered("fetch", "--retry", "1")).toEqual([]);
    expect(await offered("fetch", "http")).toEqual([]);
    expect((await offered("fetch", "--")).length).toBeGreaterThan(Object.keys(fetchFlags).length);
  });
});
