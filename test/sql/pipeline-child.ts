/** Takes so many lines of a file through a pipeline into a database, and prints how much memory that took, in MiB. */
import { join } from "node:path";
import { mapStream, run } from "taskwright";
import { jsonLines, readJsonLines, write } from "taskwright/files";
import { connect, insertBatches } from "taskwright/sql";

const [folder = "", count] = process.argv.slice(2);

interface Item {
  readonly id: number;
  readonly text: string;
}

function* items(): Generator<Item> {
  for (let id = 1; id <= Number(count); id++) yield { id, text: `text ${id} `.repeat(5) };
}

await run(async () => {
  const file = join(folder, `${count}.jsonl`);
  await write(file, jsonLines(items()));
  await using db = await connect(`sqlite:${join(folder, `${count}.db`)}`, { synchronous: "off" });
  await db.execute("create table t (id integer primary key, text text)");
  const found = readJsonLines(file) as AsyncIterable<Item>;
  const rows = mapStream(found, async ({ id, text }) => [id, text], { concurrency: 50 });
  const inserted = await insertBatches(db, "t", ["id", "text"], rows);
  const sum = await db.fetchValue<number>("select sum(id) from t");
  if (inserted !== Number(count) || sum !== (inserted * (inserted + 1)) / 2)
    throw new Error(`rows are missing: ${sum}`);
  console.log(process.resourceUsage().maxRSS / 1024);
});
