import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "taskwright";
import { openTempFolder } from "taskwright/files";
import { startPostgres } from "./postgres.ts";
import { mebibytesFor } from "./rows-memory.ts";

/** The memory for a hundred thousand rows, and for a million. */
async function fewAndMany(url: string): Promise<{ readonly few: number; readonly many: number }> {
  return { few: await mebibytesFor(url, 100_000), many: await mebibytesFor(url, 1_000_000) };
}

test("a million rows copied into SQLite and streamed out take hardly more memory than a hundred thousand", async () => {
  await run(async () => {
    await using folder = await openTempFolder();
    const { few, many } = await fewAndMany(`sqlite:${join(folder.path, "rows.db")}`);

    expect(few).toBeGreaterThan(0);
    expect(many - few).toBeLessThan(40);
  });
});

test("a million rows copied into Postgres and out again take hardly more memory than a hundred thousand", async () => {
  await using server = await startPostgres();
  const { few, many } = await fewAndMany(server.url());

  expect(few).toBeGreaterThan(0);
  expect(many - few).toBeLessThan(40);
});
