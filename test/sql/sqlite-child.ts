/** A process that writes to a database until it is killed: pairs of rows, each pair in a transaction. `node sqlite-child.ts <file> <name>` */
import { connect } from "taskwright/sql";
import { run } from "taskwright";

const [file, name] = process.argv.slice(2);

await run(async () => {
  await using db = await connect(`sqlite:${file}`);
  await db.execute("create table if not exists pair (name text, n integer, half integer, primary key (name, n, half))");
  for (let n = 1; ; n++) {
    await db.transaction(async (tx) => {
      await tx.execute("insert into pair values ($1, $2, 1)", [name, n]);
      await tx.execute("insert into pair values ($1, $2, 2)", [name, n]);
    });
    // Whoever has read this line can rely on the rows.
    process.stdout.write(`${n}\n`);
  }
});
