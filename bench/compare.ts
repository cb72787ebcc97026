/**
 * Whole programs on the same list, against the same server: `taskwright fetch` and what people use in its place.
 *
 * Peers that are not installed are left out, and named: on Debian,
 * `apt-get install nginx-light curl aria2 wget2 python3-aiohttp python3-uvloop` brings all of them.
 */
import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bodyBytes, startServer } from "./http-server.ts";
import { median, rounds } from "./harness.ts";
import { findNginx, startNginx } from "./nginx.ts";

const requests = 100_000;
/** Longer, for what costs something once: a run of a hundred thousand is over before all code is optimised. */
const manyRequests = 200_000;
const concurrency = 100;
/** The command as it is installed: built, without the sources. */
const installed = here("../node_modules/.taskwright-compare");
const command = join(installed, "bin/taskwright.js");
/** Debian's own: what stands first on the path may be another, without its packages. */
const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
/** Where writing costs least: what is compared is not the disk. */
const fastFolder = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** One run of a program, in a folder of its own. */
interface Work {
  readonly list: string;
  readonly folder: string;
  readonly urls: readonly string[];
}

interface Program {
  readonly name: string;
  /** What must be there to run it. */
  readonly needs?: readonly string[];
  readonly prepare?: (work: Work) => void;
  readonly command: (work: Work) => readonly string[];
  /** Bytes that it must have written at least, and how many files. */
  readonly writes: "nothing" | "one file" | "a file each";
  /** Whether it is also run on the longer list. */
  readonly isAlsoLong?: boolean;
}

interface Times {
  readonly wallMs: number;
  readonly cpuMs: number;
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

function fetchProgram(list: string): string[] {
  return [process.execPath, command, "fetch", "-i", list, "-c", `${concurrency}`, "--per-host", `${concurrency}`, "-q"];
}

const dispatchProgram = [process.execPath, here("./compare-dispatch.ts")];

const programs: readonly Program[] = [
  {
    name: "undici dispatch, nothing written",
    isAlsoLong: true,
    command: ({ list }) => [...dispatchProgram, list, "", `${concurrency}`],
    writes: "nothing",
  },
  {
    name: "undici dispatch, JSONL at the end",
    isAlsoLong: true,
    command: ({ list, folder }) => [...dispatchProgram, list, join(folder, "all"), `${concurrency}`],
    writes: "one file",
  },
  {
    name: "taskwright fetch, JSONL + journal",
    isAlsoLong: true,
    command: ({ list, folder }) => [...fetchProgram(list), "-o", join(folder, "all")],
    writes: "one file",
  },
  {
    name: "taskwright fetch, JSONL to a pipe",
    command: ({ list, folder }) => toFile(fetchProgram(list), folder),
    writes: "one file",
  },
  {
    name: "curl -Z, bodies in one file",
    needs: ["curl"],
    prepare: ({ folder, urls }) =>
      writeFileSync(join(folder, "config"), urls.map((url) => `url = "${url}"\n`).join("")),
    command: ({ folder }) => toFile([...curl, "-K", join(folder, "config")], folder),
    writes: "one file",
  },
  {
    name: "aiohttp + uvloop, JSONL",
    needs: [python, "import aiohttp, uvloop"],
    command: ({ list, folder }) => [python, here("./compare-aiohttp.py"), list, join(folder, "all"), `${concurrency}`],
    writes: "one file",
  },
  {
    name: "taskwright fetch, a file each",
    command: ({ list, folder }) => [
      ...fetchProgram(list),
      "--save-bodies",
      join(folder, "files"),
      "-o",
      join(folder, "results"),
    ],
    writes: "a file each",
  },
  {
    name: "curl -Z, a file each",
    needs: ["curl"],
    prepare: ({ folder, urls }) => {
      const entry = (url: string, index: number): string =>
        `url = "${url}"\noutput = "${join(folder, "files", `${index}`)}"\n`;
      writeFileSync(join(folder, "config"), urls.map(entry).join(""));
    },
    command: ({ folder }) => [...curl, "-K", join(folder, "config")],
    writes: "a file each",
  },
  {
    name: "wget2, a file each",
    needs: ["wget2"],
    command: ({ list, folder }) => [
      "wget2",
      "-q",
      `--max-threads=${concurrency}`,
      "-P",
      join(folder, "files"),
      "-i",
      list,
    ],
    writes: "a file each",
  },
  {
    name: "aria2, a file each",
    needs: ["aria2c"],
    command: ({ list, folder }) => [
      "aria2c",
      "-q",
      "-x1",
      "-j",
      `${concurrency}`,
      "--file-allocation=none",
      "--auto-save-interval=0",
      "-d",
      join(folder, "files"),
      "-i",
      list,
    ],
    writes: "a file each",
  },
];

const curl = ["curl", "-s", "-Z", "--parallel-immediate", "--parallel-max", `${concurrency}`];

function toFile(program: readonly string[], folder: string): string[] {
  return ["sh", "-c", 'out="$1"; shift; "$@" > "$out"', "sh", join(folder, "all"), ...program];
}

function isThere({ needs }: Program): boolean {
  if (needs === undefined) return true;
  const [name, imports] = needs as [string, string?];
  const flags = imports === undefined ? ["--version"] : ["-c", imports];
  return spawnSync(name, flags, { stdio: "ignore" }).status === 0;
}

async function time(program: readonly string[]): Promise<Times> {
  const measured = 'TIMEFORMAT="%R %U %S"; time "$@"';
  const child = spawn("bash", ["-c", measured, "bash", ...program], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 0, `${program.join(" ")} ended with ${String(code)}: ${said}`);
  const [wall, user, system] = said.trim().split("\n").at(-1)!.split(" ").map(Number) as [number, number, number];
  return { wallMs: wall * 1_000, cpuMs: (user + system) * 1_000 };
}

/** All that was asked for must be there. */
function check({ writes }: Program, folder: string, count: number): void {
  if (writes === "nothing") return;
  if (writes === "a file each") {
    assert.equal(
      readdirSync(join(folder, "files"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
        .length,
      count,
    );
    return;
  }
  assert.equal(readFileSync(join(folder, "all"), "latin1").split("x".repeat(bodyBytes)).length - 1, count);
}

async function runOnce(program: Program, urls: readonly string[]): Promise<Times> {
  const folder = mkdtempSync(join(fastFolder, "taskwright-compare-"));
  try {
    mkdirSync(join(folder, "files"));
    const work = { folder, urls, list: join(folder, "list") };
    writeFileSync(work.list, `${urls.join("\n")}\n`);
    program.prepare?.(work);
    const times = await time(program.command(work));
    check(program, folder, urls.length);
    return times;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function install(): void {
  assert.equal(
    spawnSync("npm", ["run", "build"], { cwd: here("../"), stdio: "ignore" }).status,
    0,
    "npm run build failed",
  );
  rmSync(installed, { recursive: true, force: true });
  for (const part of ["bin", "dist", "package.json"])
    cpSync(here(`../${part}`), join(installed, part), { recursive: true });
}

export async function benchCompare(): Promise<void> {
  install();
  const nginx = findNginx();
  using server = nginx === undefined ? await startServer() : await startNginx(nginx, bodyBytes);
  const there = programs.filter(isThere);
  for (const { name } of programs.filter((program) => !there.includes(program))) console.log(`not installed: ${name}`);
  const long = there.filter(({ isAlsoLong }) => isAlsoLong);
  for (const [some, count] of [
    [there, requests],
    [long, manyRequests],
  ] as const) {
    const urls = Array.from({ length: count }, (_, index) => `${server.origin}/item-${index}`);
    const measured = await measure(some, urls);
    const which = nginx === undefined ? "a server of Node" : "nginx";
    console.log(`\n${count} URLs, ${concurrency} at a time, ${which}, whole programs`);
    show(measured, count);
  }
}

interface Measured {
  readonly program: Program;
  readonly times: Times[];
}

async function measure(some: readonly Program[], urls: readonly string[]): Promise<Measured[]> {
  const measured = some.map((program) => ({ program, times: [] as Times[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { program, times } of measured) times.push(await runOnce(program, urls));
  }
  return measured;
}

function show(measured: readonly Measured[], count: number): void {
  console.log(
    `  ${"".padEnd(36)}${"seconds".padStart(8)}${"ratio".padStart(8)}${"CPU s".padStart(8)}${"a second".padStart(10)}`,
  );
  const first = median(measured[0]!.times.map(({ wallMs }) => wallMs));
  for (const { program, times } of measured) {
    const wallMs = median(times.map((one) => one.wallMs));
    const cpuMs = median(times.map((one) => one.cpuMs));
    const columns = [(wallMs / 1_000).toFixed(2), (wallMs / first).toFixed(2), (cpuMs / 1_000).toFixed(2)];
    const rate = Math.round((count / wallMs) * 1_000).toLocaleString("en");
    console.log(`  ${program.name.padEnd(36)}${columns.map((text) => text.padStart(8)).join("")}${rate.padStart(10)}`);
  }
}

if (import.meta.main) await benchCompare();
