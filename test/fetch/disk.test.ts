/** Disks that are full, folders that are not to be written, and results that nobody may touch: for real. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { TemporaryFolder } from "../cli.ts";
import { type TestServer, httpServer } from "../http-server.ts";

const command = fileURLToPath(new URL("../../bin/taskwright.js", import.meta.url));

/** Where one may make a file system of one's own, that is the disk. Elsewhere the size of files is limited. */
const canMount =
  spawnSync("unshare", ["-rm", "sh", "-c", "mount -t tmpfs none /mnt && mount -o remount,ro /mnt"]).status === 0;

/** Nobody in particular, where the tests are run by the one who may do anything. */
const nobody = process.getuid!() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];

const words = canMount
  ? `
    mkdir disk; mount -t tmpfs -o size=1600k none disk; cd disk
    fill() { dd if=/dev/zero of=ballast bs=1k count="$1" 2>/dev/null || true; }
    make_room() { rm ballast; }
    cramped() { "$@"; }
    forbid() { mount -o remount,ro .; }
  `
  : `
    mkdir disk; cd disk
    fill() { test "$1" = 1600 && limit=0 || limit=800; }
    make_room() { :; }
    cramped() { (ulimit -f $limit; "$@"); }
    forbid() { chmod 555 .; }
  `;

interface ShellEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script in `folder`. It knows the command, and stops at the first step that fails. */
async function shell(folder: TemporaryFolder, script: string, start: readonly string[] = []): Promise<ShellEnd> {
  const own = `set -e; taskwright() { "${process.execPath}" "${command}" "$@"; }\n${script}`;
  const [program, ...args] = [...start, "/bin/sh", "-c", own];
  // Coverage would be written to a disk that is full, or by a user who must not.
  const env = { ...process.env, NODE_OPTIONS: "", NODE_V8_COVERAGE: "", NO_COLOR: "1" };
  const child = spawn(program, args, { cwd: folder.path, env, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: code as number, stdout, stderr };
}

/** The same on a disk of 1600 kB: `fill N` leaves 1600 - N of them, `make_room` all. */
function onSmallDisk(folder: TemporaryFolder, script: string): Promise<ShellEnd> {
  if (!canMount) chmodSync(folder.path, 0o777);
  return shell(folder, `${words}\n${script}`, canMount ? ["unshare", "-rm"] : nobody);
}

/** Answers 200 bytes; `/down/...` with 404 for as long as told. */
class Answers {
  isDown = true;
  readonly asked: string[] = [];

  async serve(): Promise<TestServer> {
    return httpServer(({ url }, response) => {
      this.asked.push(url!);
      response.statusCode = this.isDown && url!.startsWith("/down") ? 404 : 200;
      response.end("x".repeat(200));
    });
  }
}

function writeList(folder: TemporaryFolder, server: TestServer, count: number): void {
  const paths = Array.from({ length: count }, (_, line) => (line % 10 === 0 ? `/down/${line}` : `/${line}`));
  writeFileSync(folder.at("list"), paths.map((path) => `${server.url(path)}\n`).join(""));
}

function idsIn(lines: string): number[] {
  return lines
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { id: number }).id);
}

/** Of the results, or of their journal, whichever is the first to find no room. */
const full = "(?:ENOSPC: no space left|EFBIG: file too large|`.*out` has a journal .*: database or disk is full)";

test("a disk that is full ends the run, and when there is room the same command goes on", async () => {
  const answers = new Answers();
  await using server = await answers.serve();
  using folder = new TemporaryFolder();
  writeList(folder, server, 2_000);
  const run = `taskwright fetch -i "${folder.at("list")}" -o out --per-host 50`;
  const { code, stderr, stdout } = await onSmallDisk(
    folder,
    `fill 1200
     cramped ${run} && exit 9 || test $? = 1
     cat out; echo ======
     make_room
     ${run} && exit 8 || test $? = 1
     cat out`,
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(new RegExp(`^taskwright fetch: Cannot write results \\(out\\): ${full}`, "m"));
  expect(stderr).toMatch(/^go on: {3}taskwright fetch -i .* -o out --per-host 50$/m);
  expect(stderr).not.toContain("    at ");
  expect(stderr.match(/Cannot write/g)).toHaveLength(1);
  const [before, after] = stdout.split("======\n") as [string, string];
  const kept = new Set(idsIn(before));
  expect(kept.size).toBeGreaterThan(100);
  expect(stderr).toMatch(new RegExp(`going on with out: ${kept.size.toLocaleString("en")} results`));
  expect(idsIn(after).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, index) => index + 1));
  const asked = answers.asked.map((path) => Number(/\d+/.exec(path)![0]) + 1);
  expect([...kept].filter((id) => asked.filter((one) => one === id).length !== 1)).toEqual([]);
});

test("a disk on which nothing can be written begins nothing", async () => {
  const answers = new Answers();
  await using server = await answers.serve();
  using folder = new TemporaryFolder();
  const { code, stderr } = await onSmallDisk(
    folder,
    `fill 1600
     cramped taskwright fetch ${server.url("/a")} -o out && exit 9 || test $? = 2
     make_room
     test ! -e out
     taskwright fetch ${server.url("/a")} -o out -q`,
  );
  expect({ code, asked: answers.asked }).toMatchObject({ code: 0, asked: ["/a"] });
  expect(stderr).toMatch(/^taskwright fetch: `.*out` has a journal that cannot be (?:opened|written): .*\n/);
  expect(stderr).not.toContain("--restart");
});

test("failures that cannot be taken out, for lack of room, stay where they are until there is some", async () => {
  const answers = new Answers();
  await using server = await answers.serve();
  using folder = new TemporaryFolder();
  writeList(folder, server, 1_000);
  const run = `taskwright fetch -i "${folder.at("list")}" -o out --per-host 50 -q`;
  const { code, stderr, stdout } = await onSmallDisk(
    folder,
    `${run} || test $? = 1
     cp out before
     fill 1600
     cramped ${run} --retry-failed && exit 9 || test $? = 2
     cmp out before; rm before; test ! -e out.journal-copy
     make_room
     ${run} --retry-failed || test $? = 1
     cat out`,
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toMatch(new RegExp(`^taskwright fetch: Cannot write results: ${full}|cannot be written`, "m"));
  expect(idsIn(stdout)).toHaveLength(1_000);
});

test("a disk that is only to be read is told by its name", async () => {
  await using server = await new Answers().serve();
  using folder = new TemporaryFolder();
  const { code, stderr } = await onSmallDisk(
    folder,
    `forbid; taskwright fetch ${server.url("/a")} -o out && exit 9 || test $? = 2`,
  );
  expect(code).toBe(0);
  expect(stderr).toMatch(/^taskwright fetch: Cannot write results: (?:EROFS: read-only file system|EACCES).*out'\n$/);
});

test("a folder that is not to be written, and results that are not, are told by their names", async () => {
  const answers = new Answers();
  await using server = await answers.serve();
  using folder = new TemporaryFolder();
  chmodSync(folder.path, 0o555);
  const fetch = `taskwright fetch ${server.url("/a")}`;
  const inFolder = await shell(folder, `${fetch} -o out`, nobody);
  expect(inFolder.code).toBe(2);
  expect(inFolder.stderr).toMatch(
    /^taskwright fetch: Cannot write results: EACCES: permission denied, open '.*out'\n$/,
  );
  chmodSync(folder.path, 0o755);
  writeFileSync(folder.at("out"), "");
  chmodSync(folder.at("out"), 0o666);
  chmodSync(folder.path, 0o555);
  const journal = await shell(folder, `${fetch} -o out`, nobody);
  expect(journal.code).toBe(2);
  expect(journal.stderr).toBe(
    `taskwright fetch: Cannot write results: EACCES: permission denied, access '${folder.path}': ` +
      "`> FILE` in place of -o FILE keeps no journal\n",
  );
  const without = await shell(folder, `${fetch} -q > out`, nobody);
  expect(without.code).toBe(0);
  chmodSync(folder.path, 0o755);
  expect(readdirSync(folder.path)).toEqual(["out"]);
  expect(idsIn(readFileSync(folder.at("out"), "utf8"))).toEqual([1]);
  expect(answers.asked).toEqual(["/a"]);
});

test("results and tables of before that are only to be read are told by their names, and nothing is asked", async () => {
  const answers = new Answers();
  await using server = await answers.serve();
  using folder = new TemporaryFolder();
  const { code, stderr } = await onSmallDisk(
    folder,
    `taskwright fetch -q ${server.url("/a")} -o out; taskwright fetch -q ${server.url("/a")} -o sqlite:rows
     forbid
     for output in out sqlite:rows sqlite:more; do
       taskwright fetch ${server.url("/b")} -o $output --restart && exit 9 || test $? = 2
     done
     taskwright fetch ${server.url("/b")} --save-bodies . && exit 8 || test $? = 2`,
  );
  expect({ code, asked: answers.asked }).toEqual({ code: 0, asked: ["/a", "/a"] });
  const lines = stderr.trimEnd().split("\n");
  expect(lines).toHaveLength(4);
  expect(lines.filter((line) => /Cannot write (?:results|bodies): (?:EROFS|EACCES): .*'/.test(line))).toEqual(lines);
});

test("a folder of bodies that is full is told by its name, and results are not blamed", async () => {
  const answers = new Answers();
  await using server = await answers.serve();
  using folder = new TemporaryFolder();
  writeList(folder, server, 10);
  const { code, stderr } = await onSmallDisk(
    folder,
    `mkdir bodies; fill 1600
     cramped taskwright fetch -i "${folder.at("list")}" --save-bodies bodies > /dev/null && exit 9 || test $? = 1`,
  );
  expect(code).toBe(0);
  expect(stderr).toMatch(/^taskwright fetch: Cannot write bodies \(bodies\): (?:ENOSPC|EFBIG): /m);
  expect(stderr).toMatch(/^stopped: what came last is not written/m);
});

test("a device that is always full ends the run", async () => {
  await using server = await new Answers().serve();
  using folder = new TemporaryFolder();
  const { code, stderr } = await shell(folder, `taskwright fetch ${server.url("/a")} -o /dev/full`);
  expect(code).toBe(1);
  expect(stderr).toContain("taskwright fetch: Cannot write results (/dev/full): ENOSPC: no space left on device");
});
