import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  copyFileSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { sectorSum } from "./sector-sum.ts";
import { describe, expect, test } from "vitest";
import { TemporaryFolder } from "../../../test/cli.ts";
import type { Clock, Timed } from "../../core/index.ts";
import type { ResultKind } from "./done-set.ts";
import { type JobIdentity, identityOf, newSalt } from "./job-identity.ts";
import { JournalFile } from "./journal-file.ts";
import { JournaledFile } from "./journaled-file.ts";
import { RecordWriter } from "./line-records.ts";
import type { JournalOptions } from "./open-journal.ts";
import { type JournaledResults, openJournaled } from "./open-journaled.ts";
import { openDatabase } from "./sqlite.ts";

const job: JobIdentity = identityOf({ method: undefined, headers: [], body: undefined, form: {} });

function open(folder: TemporaryFolder, options: Partial<JournalOptions> = {}): Promise<JournaledResults> {
  return openJournaled({ path: folder.at("results"), job, start: "auto", retriesFailed: false, ...options });
}

type Line = readonly [index: number, kind: ResultKind];

function textOf(lines: readonly Line[]): string {
  return lines.map(([index, kind]) => `{"index":${index},"kind":"${kind}"}\n`).join("");
}

function write({ destination }: { destination: JournaledFile }, ...lines: Line[]): Promise<void> {
  const records = new RecordWriter();
  for (const line of lines) records.add(line[0], line[1], line[0] + 1, textOf([line]).length);
  return destination.write(Buffer.from(textOf(lines)), records.take());
}

/** A run that comes to its end. */
async function runOnce(folder: TemporaryFolder, ...lines: Line[]): Promise<void> {
  const results = await open(folder);
  if (lines.length > 0) await write(results, ...lines);
  await results.destination.close();
}

/** What a process leaves that is killed now. */
function snapshot(folder: TemporaryFolder): TemporaryFolder {
  const copy = new TemporaryFolder();
  for (const name of readdirSync(folder.path)) copyFileSync(join(folder.path, name), copy.at(name));
  return copy;
}

const read = (folder: TemporaryFolder): string => readFileSync(folder.at("results"), "utf8");

/** Opens and closes. Returns what is known to be done, of places below 100. */
async function knownIn(folder: TemporaryFolder, options?: Partial<JournalOptions>): Promise<number[]> {
  const { destination, done } = await open(folder, options);
  await destination.close();
  return [...Array(100).keys()].filter((index) => done.hashAt(index) !== 0);
}

describe("results with a journal", () => {
  test("are gone on with, after a run that came to its end and after one that was killed at any point", async () => {
    using folder = new TemporaryFolder();
    const first = await open(folder);
    using fresh = snapshot(folder);
    expect(await knownIn(fresh)).toEqual([]);
    await write(first, [3, "ok"], [1, "failed"]);
    using afterOne = snapshot(folder);
    await write(first, [7, "bad-line"]);
    using afterTwo = snapshot(folder);
    await first.destination.close();
    expect(await knownIn(afterOne)).toEqual([1, 3]);
    expect(await knownIn(afterTwo)).toEqual([1, 3, 7]);
    const second = await open(folder);
    expect(second.done.counts).toEqual({ succeeded: 1, failed: 2, badLines: 1 });
    await write(second, [2, "ok"]);
    using afterThree = snapshot(folder);
    await second.destination.close();
    for (const left of [afterThree, folder]) {
      expect(await knownIn(left)).toEqual([1, 2, 3, 7]);
      expect(read(left)).toBe(
        textOf([
          [3, "ok"],
          [1, "failed"],
          [7, "bad-line"],
          [2, "ok"],
        ]),
      );
    }
  });

  test("are not cut where the journal was moved without its -wal file", async () => {
    using folder = new TemporaryFolder();
    const results = await open(folder);
    await write(results, [1, "ok"], [2, "ok"]);
    using killed = snapshot(folder);
    await results.destination.close();
    renameSync(killed.at("results.journal-wal"), killed.at("elsewhere"));
    await expect(open(killed)).rejects.toMatchObject({
      code: "FETCH_JOURNAL_BROKEN",
      message: expect.stringContaining("`-wal` file belongs beside it") as string,
    });
    expect(read(killed)).toBe(
      textOf([
        [1, "ok"],
        [2, "ok"],
      ]),
    );
    for (const name of ["results.journal-wal", "results.journal-shm"]) rmSync(killed.at(name), { force: true });
    renameSync(killed.at("elsewhere"), killed.at("results.journal-wal"));
    expect(await knownIn(killed)).toEqual([1, 2]);
  });

  test("are cut back to whole lines where a process was killed while it wrote", async () => {
    using folder = new TemporaryFolder();
    const run = await open(folder);
    await write(run, [1, "ok"], [2, "ok"], [3, "ok"]);
    using killed = snapshot(folder);
    await run.destination.close();
    truncateSync(
      killed.at("results"),
      textOf([
        [1, "ok"],
        [2, "ok"],
      ]).length + 5,
    );
    const { destination, cutBytes } = await open(killed);
    await destination.close();
    expect(cutBytes).toBe(5);
    expect(read(killed)).toBe(
      textOf([
        [1, "ok"],
        [2, "ok"],
      ]),
    );
    expect(await knownIn(killed)).toEqual([1, 2]);
  });

  test("are believed to be on the disk once they were synced, and not before", async () => {
    using folder = new TemporaryFolder();
    await runOnce(folder);
    const timers: Timed[] = [];
    const clock: Clock = { now: () => 0, schedule: (_atMs, timer) => void timers.push(timer) };
    const journal = JournalFile.open(folder.at("results"));
    journal.claim();
    const fd = openSync(folder.at("results"), constants.O_RDWR);
    const destination = new JournaledFile({ fd, path: folder.at("results"), journal, bytes: 0, clock });
    await write({ destination }, [1, "ok"]);
    using before = snapshot(folder);
    timers[0]!.fire();
    await write({ destination }, [2, "ok"]);
    await destination.close();
    using after = snapshot(folder);
    // Zeros, as a loss of power leaves them in the place of what was not written out.
    for (const left of [before, after]) writeFileSync(left.at("results"), Buffer.alloc(read(left).length));
    expect(await knownIn(before)).toEqual([]);
    expect(await knownIn(after)).toEqual([1, 2]);
  });

  test("know what was asked by hashes that no secret can be read from", async () => {
    using folder = new TemporaryFolder();
    const secret = "s3cr3t-".repeat(5);
    const headers = ["authorization", secret, "x-api-key", secret, "x-plain", secret, "cookie", secret];
    const mine = identityOf({ method: "POST", headers, body: secret, form: {} });
    const { destination } = await open(folder, { job: mine });
    await destination.close();
    const names = readdirSync(folder.path);
    expect(names).toContain("results.journal");
    expect(names.filter((name) => readFileSync(folder.at(name)).includes("s3cr3t"))).toEqual([]);
  });

  test("are begun by a name that leads to where nothing is yet, and gone on with by any", async () => {
    using folder = new TemporaryFolder();
    symlinkSync("second", folder.at("first"));
    symlinkSync(folder.at("results"), folder.at("second"));
    const { destination } = await open(folder, { path: folder.at("first") });
    await write({ destination }, [1, "ok"]);
    await destination.close();
    for (const name of ["first", "second", "results"]) {
      expect(await knownIn(folder, { path: folder.at(name) })).toEqual([1]);
    }
    symlinkSync("round", folder.at("round"));
    await expect(open(folder, { path: folder.at("round") })).rejects.toMatchObject({ code: "ELOOP" });
  });

  test("are not opened by two names at once, and not by two processes", async () => {
    using folder = new TemporaryFolder();
    symlinkSync(folder.at("results"), folder.at("other"));
    const { destination } = await open(folder);
    await expect(open(folder, { path: folder.at("other") })).rejects.toMatchObject({
      code: "FETCH_JOURNAL_BUSY",
      pid: process.pid,
    });
    await destination.close();
    const holder = new URL("./open-journaled.ts", import.meta.url).href;
    const options = { path: folder.at("results"), job, start: "auto", retriesFailed: false };
    const program = `
      const { openJournaled } = await import(${JSON.stringify(holder)});
      await openJournaled(${JSON.stringify(options)});
      console.log("open");
      setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    await expect(open(folder)).rejects.toMatchObject({ code: "FETCH_JOURNAL_BUSY", pid: child.pid });
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await knownIn(folder)).toEqual([]);
  });
});

describe("results are refused, and left as they are,", () => {
  const refusals: [
    why: string,
    code: string,
    prepare: (folder: TemporaryFolder) => void,
    options?: Partial<JournalOptions>,
  ][] = [
    ["that have no journal", "FETCH_OUTPUT_EXISTS", ({ path }) => rmSync(join(path, "results.journal"))],
    [
      "that have no journal, and are only to be gone on with",
      "FETCH_JOURNAL_MISSING",
      ({ path }) => rmSync(join(path, "results.journal")),
      { start: "resume" },
    ],
    [
      "that have no journal, and so no failures",
      "FETCH_JOURNAL_MISSING",
      ({ path }) => rmSync(join(path, "results.journal")),
      { retriesFailed: true },
    ],
    [
      "whose journal is an empty file",
      "FETCH_OUTPUT_EXISTS",
      ({ path }) => writeFileSync(join(path, "results.journal"), ""),
    ],
    ["that were deleted", "FETCH_OUTPUT_CHANGED", ({ path }) => rmSync(join(path, "results"))],
    ["that are shorter than they were", "FETCH_OUTPUT_CHANGED", ({ path }) => truncateSync(join(path, "results"), 5)],
    ["that somebody has added to", "FETCH_OUTPUT_CHANGED", ({ path }) => appendFileSync(join(path, "results"), "{}\n")],
    [
      "of another method",
      "FETCH_JOB_CHANGED",
      () => {},
      { job: identityOf({ method: "PUT", headers: [], body: undefined, form: {} }) },
    ],
    [
      "with other headers",
      "FETCH_JOB_CHANGED",
      () => {},
      { job: identityOf({ method: undefined, headers: ["a", "b"], body: undefined, form: {} }) },
    ],
    [
      "with another body",
      "FETCH_JOB_CHANGED",
      () => {},
      { job: identityOf({ method: undefined, headers: [], body: "x", form: {} }) },
    ],
    [
      "of another form",
      "FETCH_JOB_CHANGED",
      () => {},
      { job: identityOf({ method: undefined, headers: [], body: undefined, form: { headers: "yes" } }) },
    ],
    [
      "whose journal is no database",
      "FETCH_JOURNAL_BROKEN",
      ({ path }) => writeFileSync(join(path, "results.journal"), "no journal ".repeat(1_000)),
    ],
    [
      "whose journal is no database, also to begin anew",
      "FETCH_JOURNAL_BROKEN",
      ({ path }) => writeFileSync(join(path, "results.journal"), "no journal ".repeat(1_000)),
      { start: "restart" },
    ],
    ["whose journal is the database of somebody else", "FETCH_JOURNAL_BROKEN", useOtherDatabase],
    [
      "whose journal is the database of somebody else, also to begin anew",
      "FETCH_JOURNAL_BROKEN",
      useOtherDatabase,
      { start: "restart" },
    ],
    [
      "that were to be replaced, where neither is what the journal says",
      "FETCH_OUTPUT_CHANGED",
      ({ path }) => alter(path, "UPDATE state SET is_replacing = 1, synced_bytes = 5"),
    ],
    [
      "whose journal has records that are none",
      "FETCH_JOURNAL_BROKEN",
      ({ path }) => alter(path, "UPDATE chunk SET records = x'0209'"),
    ],
    [
      "whose journal is a few words of somebody, also to begin anew",
      "FETCH_JOURNAL_BROKEN",
      ({ path }) => writeFileSync(join(path, "results.journal"), "Dear diary"),
      { start: "restart" },
    ],
    [
      "whose journal is of a version to come",
      "FETCH_JOURNAL_BROKEN",
      ({ path }) => alter(path, "UPDATE state SET version = 2"),
    ],
  ];

  test.each(refusals)("%s", async (_why, code, prepare, options) => {
    using folder = new TemporaryFolder();
    await runOnce(folder, [1, "ok"], [2, "failed"]);
    prepare(folder);
    const before = contents(folder);
    await expect(open(folder, options)).rejects.toMatchObject({ code });
    expect(contents(folder)).toEqual(before);
  });
});

function alter(path: string, sql: string): void {
  const db = openDatabase(join(path, "results.journal"));
  db.exec(sql);
  db.close();
}

function useOtherDatabase({ path }: TemporaryFolder): void {
  rmSync(join(path, "results.journal"));
  alter(path, "CREATE TABLE precious (data); INSERT INTO precious VALUES ('data')");
}

/** Of a journal, only whether it is there: to look into a database may tidy it up. */
function contents(folder: TemporaryFolder): [string, string][] {
  return readdirSync(folder.path)
    .filter((name) => !name.includes("journal-"))
    .map((name) => [name, name === "results" ? read(folder) : ""]);
}

describe("to begin anew", () => {
  const preparations: [what: string, prepare: (folder: TemporaryFolder) => void][] = [
    ["results", () => {}],
    ["results of another job", ({ path }) => alter(path, 'UPDATE state SET job = \'{"shown":{"a":"b"},"hidden":{}}\'')],
    ["results without a journal", ({ path }) => rmSync(join(path, "results.journal"))],
    ["a journal of another version", ({ path }) => alter(path, "UPDATE state SET version = 9")],
    ["a journal that lacks a table", ({ path }) => alter(path, "DROP TABLE state")],
    [
      "a replacement that was broken off",
      (folder) => {
        alter(folder.path, "UPDATE state SET is_replacing = 1");
        writeFileSync(folder.at("results.journal-copy"), "{}\n");
      },
    ],
  ];

  test.each(preparations)("replaces %s", async (_what, prepare) => {
    using folder = new TemporaryFolder();
    await runOnce(folder, [1, "ok"], [2, "failed"]);
    prepare(folder);
    const results = await open(folder, { start: "restart" });
    expect({ size: results.done.size, cutBytes: results.cutBytes, text: read(folder) }).toEqual({
      size: 0,
      cutBytes: 0,
      text: "",
    });
    await write(results, [5, "ok"]);
    await results.destination.close();
    expect(await knownIn(folder)).toEqual([5]);
    expect(readdirSync(folder.path)).toEqual(["results", "results.journal"]);
  });

  test("and be killed before the results were replaced leaves nothing of them", async () => {
    using folder = new TemporaryFolder();
    await runOnce(folder, [1, "ok"]);
    const journal = JournalFile.open(folder.at("results"));
    journal.begin(JSON.stringify({ shown: {}, hidden: {} }), newSalt());
    using killed = snapshot(folder);
    journal.close();
    expect(await knownIn(killed)).toEqual([]);
    expect(read(killed)).toBe("");
  });
});

describe("to take failures out", () => {
  const lines: Line[] = [
    [1, "ok"],
    [2, "failed"],
    [3, "ok"],
    [4, "bad-line"],
  ];

  test("leaves the others, in their order, known to be done", async () => {
    using folder = new TemporaryFolder();
    await runOnce(folder, ...lines);
    await runOnce(folder, [5, "failed"]);
    await runOnce(folder, [6, "ok"]);
    const results = await open(folder, { retriesFailed: true });
    expect(results.done.counts).toEqual({ succeeded: 3, failed: 0, badLines: 0 });
    await write(results, [2, "ok"]);
    using killed = snapshot(folder);
    await results.destination.close();
    for (const left of [killed, folder]) {
      expect(await knownIn(left)).toEqual([1, 2, 3, 6]);
      expect(read(left)).toBe(
        textOf([
          [1, "ok"],
          [3, "ok"],
          [6, "ok"],
          [2, "ok"],
        ]),
      );
    }
    expect(readdirSync(folder.path)).toEqual(["results", "results.journal"]);
  });

  test("changes nothing where there are none", async () => {
    using folder = new TemporaryFolder();
    await runOnce(folder, [1, "ok"]);
    expect(await knownIn(folder, { retriesFailed: true })).toEqual([1]);
  });

  test("and be killed before it is sure changes nothing", async () => {
    using folder = new TemporaryFolder();
    await runOnce(folder, ...lines);
    writeFileSync(folder.at("results.journal-copy"), '{"index":1,');
    expect(await knownIn(folder)).toEqual([1, 2, 3, 4]);
    expect(read(folder)).toBe(textOf(lines));
    expect(existsSync(folder.at("results.journal-copy"))).toBe(false);
  });

  test("when the new file could not take the place of the old, goes through with it the next time", async () => {
    using folder = new TemporaryFolder();
    await runOnce(folder, ...lines);
    const opening = open(folder, { retriesFailed: true });
    while (!existsSync(folder.at("results.journal-copy"))) await turn();
    // Over a folder no file can be renamed.
    rmSync(folder.at("results"));
    mkdirSync(folder.at("results"));
    await expect(opening).rejects.toThrow(/rename/);
    rmdirSync(folder.at("results"));
    writeFileSync(folder.at("results"), textOf(lines));
    expect(await knownIn(folder)).toEqual([1, 3]);
    expect(read(folder)).toBe(
      textOf([
        [1, "ok"],
        [3, "ok"],
      ]),
    );
  });

  test.each([
    ["before the new file has taken the place of the old", false],
    ["after it", true],
  ])("and be killed when it is sure, %s, goes through with it", async (_when, isRenamed) => {
    using folder = new TemporaryFolder();
    await runOnce(folder, ...lines);
    const kept = textOf([
      [1, "ok"],
      [3, "ok"],
    ]);
    const records = new RecordWriter();
    for (const index of [1, 3]) records.add(index, "ok", index + 1, kept.length / 2);
    const journal = JournalFile.open(folder.at("results"));
    const chunk = { offset: 0, bytes: kept.length, sum: sectorSum(Buffer.from(kept), 0), records: records.take() };
    journal.replaceChunks(0, [chunk], kept.length, true);
    journal.close();
    writeFileSync(folder.at("results.journal-copy"), kept);
    if (isRenamed) renameSync(folder.at("results.journal-copy"), folder.at("results"));
    for (let times = 0; times < 2; times++) {
      expect(await knownIn(folder)).toEqual([1, 3]);
      expect(read(folder)).toBe(kept);
      expect(existsSync(folder.at("results.journal-copy"))).toBe(false);
    }
  });
});

describe("while results are written,", () => {
  const meddlings: [what: string, code: string, meddle: (folder: TemporaryFolder) => void][] = [
    ["deletes them", "FETCH_OUTPUT_CHANGED", (folder) => rmSync(folder.at("results"))],
    [
      "replaces them",
      "FETCH_OUTPUT_CHANGED",
      (folder) => {
        copyFileSync(folder.at("results"), folder.at("copy"));
        renameSync(folder.at("copy"), folder.at("results"));
      },
    ],
    ["adds to them", "FETCH_OUTPUT_CHANGED", (folder) => appendFileSync(folder.at("results"), "{}\n")],
    ["shortens them", "FETCH_OUTPUT_CHANGED", (folder) => truncateSync(folder.at("results"), 3)],
    ["deletes the journal", "FETCH_JOURNAL_BROKEN", (folder) => rmSync(folder.at("results.journal"))],
  ];

  test.each(meddlings)(
    "somebody who %s ends the run, and nothing more is written or recorded",
    async (_what, code, meddle) => {
      using folder = new TemporaryFolder();
      const results = await open(folder);
      await write(results, [1, "ok"]);
      meddle(folder);
      const left = existsSync(folder.at("results")) ? read(folder) : undefined;
      await expect(write(results, [2, "ok"])).rejects.toMatchObject({ code });
      await expect(write(results, [3, "ok"])).rejects.toMatchObject({ code });
      await expect(results.destination.close()).rejects.toMatchObject({ code });
      expect(existsSync(folder.at("results")) ? read(folder) : undefined).toBe(left);
    },
  );
});
