import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { run } from "taskwright";
import { openTempFolder } from "taskwright/files";
import { type Database, connect } from "taskwright/sql";

const child = fileURLToPath(new URL("sqlite-child.ts", import.meta.url));

/** A process that writes, and the last number that it says it has committed. */
class Writer {
  readonly process: ChildProcess;
  committed = 0;
  stderr = "";

  constructor(file: string, name: string) {
    this.process = spawn(process.execPath, ["--conditions=taskwright-source", child, file, name]);
    let rest = "";
    this.process.stdout!.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop()!;
      this.committed = Number(lines.at(-1) ?? this.committed);
      this.process.emit("committed");
    });
    this.process.stderr!.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  async reach(n: number): Promise<void> {
    while (this.committed < n && this.process.exitCode === null) await once(this.process, "committed");
  }

  async kill(): Promise<void> {
    const closed = once(this.process, "close");
    this.process.kill("SIGKILL");
    await closed;
  }
}

async function pairsOf(db: Database, name: string): Promise<{ halves: number; pairs: number; last: number }> {
  const query = "select count(*) as halves, count(distinct n) as pairs, max(n) as last from pair where name = $1";
  return (await db.fetchRow(query, [name]))!;
}

test("a process that is killed loses nothing that it has committed, and leaves no half transaction", async () => {
  await run(async () => {
    await using folder = await openTempFolder();
    for (let round = 0; round < 3; round++) {
      const file = join(folder.path, `${round}.db`);
      const writer = new Writer(file, "a");
      await writer.reach(20 + 17 * round);
      await writer.kill();

      await using db = await connect(`sqlite:${file}`);
      const { halves, pairs, last } = await pairsOf(db, "a");
      expect(halves).toBe(pairs * 2);
      expect(last).toBe(pairs);
      expect(pairs).toBeGreaterThanOrEqual(writer.committed);
      expect(writer.stderr).toBe("");
      expect(await db.fetchValue("pragma integrity_check")).toBe("ok");
    }
  });
});

test("two processes and this one write to one file, and each finds all of its own", async () => {
  await run(async () => {
    await using folder = await openTempFolder();
    const file = join(folder.path, "shared.db");
    const writers = [new Writer(file, "a"), new Writer(file, "b")];
    await using db = await connect(`sqlite:${file}`);
    await Promise.all(writers.map((writer) => writer.reach(1)));
    for (let n = 1; n <= 30; n++) await db.execute("insert into pair values ('own', $1, 1)", [n]);
    await Promise.all(writers.map((writer) => writer.reach(30)));
    await Promise.all(writers.map((writer) => writer.kill()));

    expect((await pairsOf(db, "own")).halves).toBe(30);
    for (const [index, name] of ["a", "b"].entries()) {
      const { halves, pairs } = await pairsOf(db, name);
      expect(halves).toBe(pairs * 2);
      expect(pairs).toBeGreaterThanOrEqual(writers[index]!.committed);
      expect(writers[index]!.stderr).toBe("");
    }
    expect(await db.fetchValue("pragma integrity_check")).toBe("ok");
  });
});
