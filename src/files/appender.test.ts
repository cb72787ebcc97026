import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cancelScope, checkpoint, isCancelled, run, taskGroup } from "../core/index.ts";
import { openAppender, openTempFolder } from "./index.ts";

describe("an appender", () => {
  test.each([false, true])("writes in the order of the calls, behind what was there; durable: %s", (durable) =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("log");
      writeFileSync(path, "old\n");
      {
        await using log = await openAppender(path, { durable });
        await Promise.all(Array.from({ length: 1_000 }, (_, index) => log.append(`${index}\n`)));
        await log.append(new Uint8Array([33]));
        expect(log.bytes).toBe(readFileSync(path).length);
      }
      const expected = `old\n${Array.from({ length: 1_000 }, (_, index) => `${index}\n`).join("")}!`;
      expect(readFileSync(path, "utf8")).toBe(expected);
    }),
  );

  test("an append is in the file when it returns", () =>
    run(async () => {
      await using folder = await openTempFolder();
      await using log = await openAppender(folder.at("log"));
      for (let index = 1; index <= 5; index++) {
        await log.append("x");
        expect(readFileSync(folder.at("log"), "utf8")).toBe("x".repeat(index));
      }
    }));

  test("takes back what is cancelled before it is written, and that alone", () =>
    run(async () => {
      await using folder = await openTempFolder();
      await using log = await openAppender(folder.at("log"));
      const first = log.append("first\n");
      let cancelled: Promise<void> | undefined;
      await cancelScope(async (scope) => {
        await checkpoint();
        // The first is under way: what comes now waits for the next write.
        cancelled = log.append("cancelled\n");
        scope.cancel();
        await cancelled.catch(() => {});
      });
      await first;
      await log.append("last\n");
      expect(isCancelled(await cancelled!.catch((error: unknown) => error))).toBe(true);
      expect(readFileSync(folder.at("log"), "utf8")).toBe("first\nlast\n");
    }));

  test("each append is there once and whole if it returned, and not there if it was taken back", () =>
    run(async () => {
      await using folder = await openTempFolder();
      let file = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 60 }), async (plan) => {
          const path = folder.at(`${++file}`);
          const kept: number[] = [];
          const taken: number[] = [];
          {
            await using log = await openAppender(path);
            await taskGroup((group) => {
              for (const [index, [turns, isCancelledSoon]] of plan.entries()) {
                const task = group.spawn(async () => {
                  try {
                    await log.append(`<${index}>`);
                    kept.push(index);
                  } catch (error) {
                    taken.push(index);
                    throw error;
                  }
                });
                group.spawn(async () => {
                  for (let turn = 0; turn < turns; turn++) await checkpoint();
                  if (isCancelledSoon) task.cancel();
                });
              }
            });
          }
          const written = [...readFileSync(path, "utf8").matchAll(/<(\d+)>/g)].map(([, index]) => Number(index));
          expect(written).toEqual(kept.toSorted((a, b) => a - b));
          expect(kept.length + taken.length).toBeLessThanOrEqual(plan.length);
          expect(taken.filter((index) => written.includes(index))).toEqual([]);
        }),
        { numRuns: 100 },
      );
    }));

  test("writes what was handed over before it closes, also at the end of its scope, and takes nothing after", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("log");
      let late: (() => Promise<void>) | undefined;
      await taskGroup(async () => {
        const log = await openAppender(path);
        void log.append("handed over");
        late = () => log.append("late");
      });
      expect(readFileSync(path, "utf8")).toBe("handed over");
      await expect(late!()).rejects.toThrow("is closed");
    }));

  test("tells all whose bytes could not be written", () =>
    run(async () => {
      await using log = await openAppender("/dev/full");
      const results = await Promise.allSettled([log.append("a"), log.append("b")]);
      expect(results.map((result) => result.status === "rejected" && (result.reason as { code: string }).code)).toEqual(
        ["ENOSPC", "ENOSPC"],
      );
      await expect(log.append("c")).rejects.toMatchObject({ code: "ENOSPC" });
    }));

  test("leaves nothing of what could be written in part only, also where others have emptied the file", () =>
    run(async () => {
      await using folder = await openTempFolder();
      const path = folder.at("log");
      const program = `
        import { truncateSync } from "node:fs";
        import { openAppender } from "taskwright/files";
        await using log = await openAppender(${JSON.stringify(path)});
        const report = async (content) => console.log(await log.append(content).catch((error) => error.code), log.bytes);
        await report("x".repeat(6_000));
        await Promise.all([report("a".repeat(3_000)), report("b".repeat(20_000))]);
        await report("short");
        truncateSync(${JSON.stringify(path)}, 0);
        await report("c".repeat(20_000));
        await report("end");`;
      // Files of this process may have 8 or 16 KiB, as the shell counts.
      const command = 'ulimit -f 16; exec "$0" --conditions=taskwright-source --input-type=module -e "$1"';
      const told = execFileSync("sh", ["-c", command, process.execPath, program], { encoding: "utf8" });
      expect(told.split("\n")).toEqual([
        "undefined 6000",
        "EFBIG 6000",
        "EFBIG 6000",
        "undefined 6005",
        "EFBIG 6005",
        "undefined 6008",
        "",
      ]);
      expect(readFileSync(path, "utf8")).toBe("end");
    }));
});
