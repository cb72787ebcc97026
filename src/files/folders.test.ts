import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { cancelScope, interruptible, run, sleep, taskGroup, timeout } from "../core/index.ts";
import { openTempFolder, tail, walk, watch } from "./index.ts";

describe("a temporary folder", () => {
  test("is gone when it is disposed of, at the end of its scope, and when that fails or is cancelled", () =>
    run(async () => {
      const paths: string[] = [];
      const make = async (): Promise<void> => {
        const folder = await openTempFolder({ prefix: "taskwright-test-" });
        paths.push(folder.path);
        mkdirSync(folder.at("below"));
        writeFileSync(folder.at("below", "file"), "x");
      };
      {
        await using folder = await openTempFolder();
        paths.push(folder.path);
        expect(existsSync(folder.path)).toBe(true);
      }
      await taskGroup(make);
      await taskGroup(async () => {
        await make();
        throw new Error("failed");
      }).catch(() => {});
      await cancelScope(async (scope) => {
        await make();
        scope.cancel();
        await sleep(1_000);
      });
      expect(paths.map((path) => existsSync(path))).toEqual([false, false, false, false]);
    }));

  test("does not mind if it is gone already, and can be disposed of twice", () =>
    run(async () => {
      const folder = await openTempFolder();
      rmSync(folder.path, { recursive: true });
      await folder[Symbol.asyncDispose]();
      await expect(folder[Symbol.asyncDispose]()).resolves.toBeUndefined();
    }));
});

describe("walking", () => {
  test("yields all entries with their kinds, level by level, and goes where it should", () =>
    run(async () => {
      await using folder = await openTempFolder();
      for (const name of ["b/c", "a/skipped"]) mkdirSync(folder.at(name), { recursive: true });
      for (const name of ["b/c/deep", "a/1", "a/2", "a/skipped/x", "top"]) writeFileSync(folder.at(name), "");
      symlinkSync("b", folder.at("link"));
      const seen: string[] = [];
      for await (const { path, kind } of walk(folder.path, { enters: ({ name }) => name !== "skipped" })) {
        seen.push(`${kind} ${path.slice(folder.path.length + 1)}`);
      }
      expect(seen).toEqual([
        "folder a",
        "folder b",
        "link link",
        "file top",
        "file a/1",
        "file a/2",
        "folder a/skipped",
        "folder b/c",
        "file b/c/deep",
      ]);
      await expect(Array.fromAsync(walk(folder.at("none")))).rejects.toMatchObject({ code: "ENOENT" });
      expect(() => walk("/", { concurrency: 0 })).toThrow(RangeError);
    }));

  test("goes into more folders than a call takes arguments", () =>
    run(async () => {
      await using folder = await openTempFolder();
      mkdirSync(folder.at("many"));
      for (let n = 0; n < 20_000; n++) mkdirSync(folder.at("many", `${n}`));
      const program = `
        import { walk } from "taskwright/files";
        let count = 0;
        for await (const { kind } of walk(${JSON.stringify(folder.path)})) if (kind === "folder") count++;
        console.log(count);`;
      // Arguments lie on the stack: with a small one, so many folders do.
      const flags = ["--stack-size=150", "--conditions=taskwright-source", "--input-type=module", "-e", program];
      expect(execFileSync(process.execPath, flags, { encoding: "utf8" })).toBe("20001\n");
    }));
});

describe("tail", () => {
  test("gives lines as they are written, through rotation and truncation", { timeout: 20_000 }, () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("log");
      writeFileSync(path, "old\n");
      const steps: [expected: string, next: () => void][] = [
        ["old", () => appendFileSync(path, "one\nt")],
        ["one", () => appendFileSync(path, "wo\n")],
        [
          "two",
          () => {
            appendFileSync(path, "last");
            renameSync(path, `${path}.1`);
            writeFileSync(path, "new file\n");
          },
        ],
        ["last", () => {}],
        [
          "new file",
          () => {
            truncateSync(path, 0);
            appendFileSync(path, "short\n");
          },
        ],
        ["short", () => {}],
      ];
      const lines: string[] = [];
      await timeout(15_000, async () => {
        for await (const line of tail(path, { from: "start", everyMs: 5 })) {
          lines.push(line);
          const step = steps[lines.length - 1]!;
          expect(line).toBe(step[0]);
          step[1]();
          if (lines.length === steps.length) break;
        }
      });
      expect(lines).toEqual(steps.map(([line]) => line));
    }),
  );

  test("gives all of a file that is written to and replaced at any moment", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("log");
      const rotations = 300;
      writeFileSync(path, "first 0\n");
      const lines: string[] = [];
      await taskGroup(async (group) => {
        const begun = new Map<string, () => void>();
        group.spawn(async () => {
          for (let n = 0; n < rotations; n++) {
            await interruptible(new Promise<void>((resolve) => void begun.set(`first ${n}`, resolve)));
            // Now here, now there in what goes on at the reader.
            for (let turn = 0; turn < n % 20; turn++) await interruptible(setImmediate());
            appendFileSync(path, `last ${n}\n`);
            renameSync(path, `${path}.${n}`);
            writeFileSync(path, `first ${n + 1}\n`);
          }
        });
        for await (const line of tail(path, { from: "start", everyMs: 0 })) {
          lines.push(line);
          begun.get(line)?.();
          if (line === `first ${rotations}`) break;
        }
      });
      const expected = Array.from({ length: rotations }, (_, n) => [`first ${n}`, `last ${n}`]).flat();
      expect(lines).toEqual([...expected, `first ${rotations}`]);
    }));

  test("begins with what comes, and waits for a file that is not there", { timeout: 20_000 }, () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("later");
      await timeout(15_000, async () => {
        await using lines = tail(path, { everyMs: 5 });
        const first = lines.next();
        await sleep(30);
        writeFileSync(path, "first\n");
        expect(await first).toEqual({ done: false, value: "first" });
      });
      writeFileSync(folder.at("old"), "old\n");
      await timeout(15_000, async () => {
        await using lines = tail(folder.at("old"), { everyMs: 5 });
        const next = lines.next();
        await sleep(30);
        appendFileSync(folder.at("old"), "new\n");
        expect(await next).toEqual({ done: false, value: "new" });
      });
    }),
  );
});

describe("watching", () => {
  test("tells what changed, each path once for a slow reader", { timeout: 20_000 }, () =>
    run(async () => {
      await using folder = await openTempFolder();
      mkdirSync(folder.at("below"));
      await using changes = watch(folder.path);
      writeFileSync(folder.at("a"), "1");
      for (let index = 0; index < 50; index++) appendFileSync(folder.at("a"), "more");
      writeFileSync(folder.at("below/b"), "2");
      const seen = new Set<string>();
      await timeout(15_000, async () => {
        for await (const { path } of changes) {
          seen.add(path);
          if (seen.has(folder.at("a")) && seen.has(folder.at("below/b"))) break;
        }
      });
      expect(await changes.next()).toEqual({ done: true, value: undefined });
    }),
  );

  test("goes on with what is replaced, moved and made again", () =>
    run(async () => {
      await using folder = await openTempFolder();
      await using outside = await openTempFolder();
      mkdirSync(outside.at("moved/deep"), { recursive: true });
      writeFileSync(outside.at("moved/deep/old"), "");
      writeFileSync(folder.at("file"), "1");
      await using changes = watch(folder.path);
      const steps: [change: () => void, told: string[]][] = [
        [() => appendFileSync(folder.at("file"), "2"), ["file"]],
        [() => writeFileSync(folder.at("new"), "3"), ["new"]],
        [() => renameSync(folder.at("new"), folder.at("file")), ["new", "file"]],
        [() => appendFileSync(folder.at("file"), "4"), ["file"]],
        [() => renameSync(outside.at("moved"), folder.at("moved")), ["moved", "moved/deep", "moved/deep/old"]],
        [() => writeFileSync(folder.at("moved/deep/new"), ""), ["moved/deep/new"]],
        [() => rmSync(folder.at("moved"), { recursive: true }), ["moved"]],
        [() => mkdirSync(folder.at("moved/deep"), { recursive: true }), ["moved", "moved/deep"]],
        [() => writeFileSync(folder.at("moved/deep/again"), ""), ["moved/deep/again"]],
        [() => renameSync(folder.at("moved"), folder.at("here")), ["moved", "here", "here/deep", "here/deep/again"]],
        [() => appendFileSync(folder.at("here/deep/again"), "5"), ["here/deep/again"]],
      ];
      for (const [index, [change, told]] of steps.entries()) {
        change();
        // The system tells of all in turn.
        const end = folder.at(`end${index}`);
        writeFileSync(end, "");
        const seen = new Set<string>();
        while (!seen.has(end)) seen.add((await timeout(15_000, () => changes.next())).value!.path);
        for (const name of told) expect(seen).toContain(folder.at(name));
      }
      rmSync(folder.path, { recursive: true });
      while ((await timeout(15_000, () => changes.next())).value!.path !== folder.path);
    }));

  test("tells of a file by its path", { timeout: 20_000 }, () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("file");
      writeFileSync(path, "1");
      for (const recursive of [true, false]) {
        await using changes = watch(path, { recursive });
        appendFileSync(path, "2");
        expect(await timeout(15_000, () => changes.next())).toEqual({ done: false, value: { path } });
      }
    }),
  );

  test("goes on when a reader is cancelled, and ends with its scope", { timeout: 20_000 }, () =>
    run(async () => {
      await using folder = await openTempFolder();
      let changes: ReturnType<typeof watch> | undefined;
      await taskGroup(async () => {
        changes = watch(folder.path);
        await cancelScope(async (scope) => {
          scope.deadline = 0;
          await changes!.next();
        });
        writeFileSync(folder.at("a"), "1");
        expect(await timeout(15_000, () => changes!.next())).toMatchObject({ value: { path: folder.at("a") } });
      });
      expect(await changes!.next()).toMatchObject({ done: true });
      expect(() => watch(folder.at("none"))).toThrow(expect.objectContaining({ code: "ENOENT" }) as Error);
    }),
  );
});
