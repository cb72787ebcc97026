/** Copies so many rows into a database, streams them out again, and prints how much memory that took at most, in MiB. */
import { run } from "taskwright";
import { connect } from "taskwright/sql";

const [file, count] = process.argv.slice(2);

async function* source(): AsyncGenerator<readonly unknown[]> {
  for (let index = 0; index < Number(count); index++) yield [index, `name ${index}`, index / 7, "x".repeat(50)];
}

await run(async () => {
  await using db = await connect(`sqlite:${file}`, { synchronous: "off" });
  await db.execute("create table t (id integer, name text, score real, more text)");
  const copied = await db.copyInto("t", ["id", "name", "score", "more"], source());
  let sum = 0;
  for await (const { id } of db.stream<{ id: number }>("select * from t")) sum += id;
  if (sum !== (copied * (copied - 1)) / 2) throw new Error(`rows are missing: ${sum}`);
  console.log(process.resourceUsage().maxRSS / 1024);
});
