/** From a packed file of JSON lines into a table of SQLite: read, looked up many at once, and inserted in batches. */
import { mapStream, run, sleep } from "taskwright";
import { jsonLines, openTempFolder, readJsonLines, writeAtomic } from "taskwright/files";
import { connect, insertBatches } from "taskwright/sql";

interface Visit {
  readonly id: number;
  readonly page: string;
}

function* visits(): Generator<Visit> {
  for (let id = 1; id <= 5_000; id++) yield { id, page: `/page/${id % 7}` };
}

/** What would be a request, in a program that has somebody to ask. */
async function titleOf(page: string): Promise<string> {
  await sleep(1);
  return `The title of ${page}`;
}

await run(async () => {
  await using folder = await openTempFolder();
  await writeAtomic(folder.at("visits.jsonl.gz"), jsonLines(visits()));

  await using db = await connect(`sqlite:${folder.at("visits.db")}`);
  await db.execute("create table visits (id integer primary key, page text, title text)");

  // Nothing is read before there is room for it, so a file of any length takes the same memory. The first error anywhere
  // ends all of it.
  const found = readJsonLines(folder.at("visits.jsonl.gz")) as AsyncIterable<Visit>;
  const rows = mapStream(found, async ({ id, page }) => [id, page, await titleOf(page)], { concurrency: 100 });
  const count = await insertBatches(db, "visits", ["id", "page", "title"], rows, { batchRows: 500 });

  const pages = await db.fetchValue<number>("select count(distinct title) from visits");
  console.log(`${count} visits of ${pages} pages`);
});
