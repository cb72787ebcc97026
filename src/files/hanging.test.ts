import { type ChildProcess, execFileSync, spawn as spawnProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { cancelScope, checkpoint, interruptible, isCancelled, now, run, taskGroup } from "../core/index.ts";
import { type TempFolder, openAppender, openTempFolder, readBytes, readText } from "./index.ts";

/** Pipes with names. To open one takes until somebody writes to it, as in a file system that hangs. */
function makePipes(folder: TempFolder, count: number): string[] {
  const paths = Array.from({ length: count }, (_, n) => folder.at(`pipe${n}`));
  execFileSync("mkfifo", paths);
  return paths;
}

/** Writes to all of them, at once: the text is what their readers get. */
async function answer(paths: readonly string[], command = "printf text"): Promise<void> {
  const script = `for pipe in "$@"; do ${command} > "$pipe" & done; wait`;
  const writer: ChildProcess = spawnProcess("sh", ["-c", script, "sh", ...paths], { stdio: "inherit" });
  await interruptible(once(writer, "exit"));
}

/** What others do on the threads of libuv: often enough that all who may hang there do. */
async function useThreads(folder: TempFolder): Promise<void> {
  for (let n = 0; n < 300; n++) expect((await interruptible(stat(folder.path))).isDirectory()).toBe(true);
}

describe("files that hang", { timeout: 20_000 }, () => {
  test("leave a thread to others, also where nobody waits for them any more", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const pipes = makePipes(folder, 10);
      const abandoned: Promise<unknown>[] = [];
      await taskGroup(async () => {
        for (const pipe of pipes.slice(0, 2)) abandoned.push(readText(pipe).catch((error: unknown) => error));
        await checkpoint();
      });
      await taskGroup(async (group) => {
        const texts = pipes.slice(2).map((pipe) => group.spawn(() => readText(pipe)));
        await useThreads(folder);
        await answer(pipes);
        for (const text of texts) expect(await text.join()).toBe("text");
      });
      expect((await Promise.all(abandoned)).map((error) => (error as { code: string }).code)).toEqual([
        "SCOPE_CLOSED",
        "SCOPE_CLOSED",
      ]);
    }));

  test("leave a thread to others, among many files that do not", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const pipes = makePipes(folder, 10);
      writeFileSync(folder.at("file"), "");
      await taskGroup(async (group) => {
        const texts = [group.spawn(() => readText(pipes[0]!))];
        let isOver = false;
        for (let n = 0; n < 20; n++) {
          group.spawn(async () => {
            while (!isOver) await readText(folder.at("file"));
          });
        }
        const startedMs = now();
        while (now() - startedMs < 50) await readText(folder.at("file"));
        for (const pipe of pipes.slice(1)) texts.push(group.spawn(() => readText(pipe)));
        await useThreads(folder);
        isOver = true;
        await answer(pipes);
        for (const text of texts) expect(await text.join()).toBe("text");
      });
    }));

  test("leave a thread to others, where they are appended to", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const pipes = makePipes(folder, 6);
      await taskGroup(async (group) => {
        const logs = [];
        for (const pipe of pipes) logs.push(await openAppender(pipe));
        // More than a pipe holds.
        for (const log of logs) group.spawn(() => log.append(new Uint8Array(1_000_000)));
        await useThreads(folder);
        const reader = spawnProcess("sh", [
          "-c",
          'for pipe in "$@"; do head -c 1000000 "$pipe" & done; wait',
          "sh",
          ...pipes,
        ]);
        let bytes = 0;
        reader.stdout.on("data", (chunk: Buffer) => (bytes += chunk.length));
        await interruptible(once(reader, "close"));
        expect(bytes).toBe(6_000_000);
      });
    }));

  test("are not waited for by those who were cancelled before it was their turn", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const pipes = makePipes(folder, 3);
      await taskGroup(async (group) => {
        for (const pipe of pipes) group.spawn(() => readText(pipe));
        await checkpoint();
        let error: unknown;
        await cancelScope(async (scope) => {
          const read = readText(folder.at("none"));
          scope.cancel();
          error = await read.catch((thrown: unknown) => thrown);
        });
        expect(isCancelled(error)).toBe(true);
        await answer(pipes);
      });
    }));

  test("give what they hold when they do not hang any more, in whatever pieces it comes", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const pipes = makePipes(folder, 2);
      await taskGroup(async (group) => {
        const [bytes, text] = [group.spawn(() => readBytes(pipes[0]!)), group.spawn(() => readText(pipes[1]!))];
        await answer(pipes, "(printf begun; head -c 300000 /dev/zero; printf end)");
        expect((await bytes.join()).length).toBe(300_008);
        expect(await text.join()).toBe(`begun${"\0".repeat(300_000)}end`);
      });
    }));
});
