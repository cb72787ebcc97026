/** Files: `taskwright/files`, Node's own promises, and aiofiles, on the same folder of the same disk. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { type FileHandle, open, opendir, readFile, readdir, writeFile } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { map, run } from "taskwright";
import { openAppender, openTempFolder, readChunks, readLines, readText, walk, write } from "taskwright/files";
import { type Contender, hold } from "./harness.ts";
import { pythonWith } from "./python.ts";

const files = 10_000;
const fileBytes = 4_096;
const folders = 100;
const atOnce = 64;
const lines = 200_000;
const fewLines = 20_000;
const appends = 2_000;
const text = "x".repeat(fileBytes);

/** What a contender did, and in what time, without what comes before and after. */
interface Done {
  readonly result: number;
  readonly ms: number;
}

export async function benchFiles(): Promise<void> {
  await run(benchIn, { signals: false });
}

async function benchIn(): Promise<void> {
  await using folder = await openTempFolder();
  for (let n = 0; n < folders; n++) mkdirSync(folder.at(`files/${n}`), { recursive: true });
  const paths = Array.from({ length: files }, (_, n) => folder.at(`files/${n % folders}/${n}.txt`));
  const python = aiofiles(folder.path);
  await benchMany(folder.path, paths, python);
  await benchLines(folder.at("lines"));
  await benchFewLines(folder.at("few-lines"), python);
  await benchAppends((name) => folder.at(name), python);
}

async function benchMany(folder: string, paths: readonly string[], python: Python): Promise<void> {
  await hold({
    title: `${files} files of ${fileBytes} bytes written, ${atOnce} at once; each`,
    units: files,
    contenders: [
      contender("taskwright write", async () => {
        await map(paths, (path) => write(path, text), { concurrency: atOnce });
        return files * fileBytes;
      }),
      contender("fs/promises writeFile", () => each(paths, async (path) => (await writeFile(path, text), fileBytes))),
      ...python("write"),
    ],
    check: expectResult(files * fileBytes),
  });
  await hold({
    title: `the same read; each`,
    units: files,
    contenders: [
      contender("taskwright readText", async () => {
        const texts = await map(paths, async (path) => (await readText(path)).length, { concurrency: atOnce });
        return sum(texts);
      }),
      contender("fs/promises readFile", () => each(paths, async (path) => (await readFile(path, "utf8")).length)),
      ...python("read"),
    ],
    check: expectResult(files * fileBytes),
  });
  await hold({
    title: `the same in ${folders} folders listed; each`,
    units: files,
    repeats: 3,
    contenders: [
      contender("taskwright walk", async () => {
        let count = 0;
        for await (const _ of walk(`${folder}/files`)) count++;
        return count;
      }),
      contender("fs/promises readdir, recursive", async () => {
        return (await readdir(`${folder}/files`, { recursive: true, withFileTypes: true })).length;
      }),
      contender("fs/promises opendir, recursive", async () => {
        let count = 0;
        for await (const _ of await opendir(`${folder}/files`, { recursive: true })) count++;
        return count;
      }),
      ...python("walk"),
    ],
    check: expectResult(files + folders),
  });
}

/** A file of so many lines. Returns how many characters it has. */
function writeLines(path: string, count: number): number {
  const all = Array.from({ length: count }, (_, n) => `line ${n} ${"of a file ".repeat(n % 17)}\n`);
  writeFileSync(path, all.join(""));
  return sum(all.map((line) => line.length));
}

async function benchLines(path: string): Promise<void> {
  const characters = writeLines(path, lines);
  await hold({
    title: `a file of ${lines} lines, ${(characters / 1e6).toFixed()} MB, read line by line; each`,
    units: lines,
    repeats: 3,
    contenders: [
      contender("taskwright readLines", () => counted(readLines(path))),
      contender("fs/promises handle.readLines", async () => {
        await using handle = await open(path);
        return await counted(handle.readLines());
      }),
    ],
    check: expectResult(characters),
  });
  await hold({
    title: "the same read in chunks; each line",
    units: lines,
    repeats: 3,
    contenders: [
      contender("taskwright readChunks", async () => {
        let bytes = 0;
        for await (const chunk of readChunks(path)) bytes += chunk.length;
        return bytes;
      }),
      contender("fs/promises createReadStream", async () => {
        await using handle = await open(path);
        let bytes = 0;
        for await (const chunk of handle.createReadStream({ highWaterMark: 256 * 1024 }))
          bytes += (chunk as Buffer).length;
        return bytes;
      }),
    ],
    check: expectResult(characters),
  });
}

/** Apart from the others: it takes so long that whoever comes after it finds all caches cold. */
async function benchFewLines(path: string, python: Python): Promise<void> {
  const characters = writeLines(path, fewLines);
  await hold({
    title: `a file of ${fewLines} lines; each`,
    units: fewLines,
    contenders: [contender("taskwright readLines", () => counted(readLines(path))), ...python("lines")],
    check: expectResult(characters),
  });
}

async function counted(source: AsyncIterable<string>): Promise<number> {
  let count = 0;
  for await (const line of source) count += line.length + 1;
  return count;
}

async function benchAppends(at: (name: string) => string, python: Python): Promise<void> {
  const appendAll = (append: (line: string) => Promise<unknown>): Promise<unknown> =>
    Promise.all(Array.from({ length: appends }, (_, n) => append(`event ${n}\n`)));
  const byOurs = (durable: boolean): Contender =>
    contender(`taskwright append${durable ? ", durable" : ""}`, async () => {
      await using log = await openAppender(at("log"), { durable });
      await appendAll((line) => log.append(line));
      return appends;
    });
  const byHandle = (name: string, append: (handle: FileHandle, line: string) => Promise<unknown>): Contender =>
    contender(name, async () => {
      await using handle = await open(at("log-handle"), "a");
      await appendAll((line) => append(handle, line));
      return appends;
    });
  await hold({
    title: `${appends} appends to one file at once, each on the disk when it is through; each`,
    units: appends,
    contenders: [
      byOurs(true),
      byHandle("fs/promises write, datasync", async (handle, line) => {
        await handle.write(line);
        await handle.datasync();
      }),
      ...python("append"),
    ],
    check: expectResult(appends),
  });
  await hold({
    title: `${appends} appends to one file at once, each with the system when it is through; each`,
    units: appends,
    contenders: [byOurs(false), byHandle("fs/promises write", (handle, line) => handle.write(line))],
    check: expectResult(appends),
  });
}

function contender(name: string, work: () => Promise<number>): Contender {
  const timed = async (): Promise<Done> => {
    const startedMs = performance.now();
    const result = await work();
    return { result, ms: performance.now() - startedMs };
  };
  return { name, run: timed, ownMs: (done) => (done as Done).ms };
}

/** What is written by hand, where there is nothing else. */
async function each(paths: readonly string[], work: (path: string) => Promise<number>): Promise<number> {
  let next = 0;
  let total = 0;
  const worker = async (): Promise<void> => {
    while (next < paths.length) {
      const bytes = await work(paths[next++]!);
      total += bytes;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return total;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

function expectResult(expected: number): (done: unknown) => void {
  return (done) => {
    const { result } = done as Done;
    if (result !== expected) throw new Error(`${result} instead of ${expected}`);
  };
}

/** What aiofiles does; nothing where it is not there. */
type Python = (work: string) => Contender[];

/** The time is its own: without the start of Python. */
function aiofiles(folder: string): Python {
  const python = pythonWith("aiofiles");
  if (python === undefined) return () => [];
  const script = new URL("compare-aiofiles.py", import.meta.url).pathname;
  return (work) => [
    {
      name: `aiofiles ${work}`,
      run: () => JSON.parse(execFileSync(python, [script, work, folder], { encoding: "utf8" })) as Done,
      ownMs: (done) => (done as Done).ms,
    },
  ];
}
