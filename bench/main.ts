/** `npm run bench [core|http|fetch|files|pipeline|sql|streams|tools|workers]`: peers and us on the same work, in one run. */
import { cpus } from "node:os";
import { benchCompare } from "./compare.ts";
import { benchCore } from "./core.ts";
import { benchFiles } from "./files.ts";
import { benchHttp } from "./http.ts";
import { benchPipelines } from "./pipeline.ts";
import { benchSql } from "./sql.ts";
import { benchStreams } from "./streams.ts";
import { benchTools } from "./tools.ts";
import { benchWorkers } from "./workers.ts";

const parts = {
  core: benchCore,
  http: benchHttp,
  fetch: benchCompare,
  files: benchFiles,
  pipeline: benchPipelines,
  sql: benchSql,
  streams: benchStreams,
  tools: benchTools,
  workers: benchWorkers,
};
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in parts));
if (unknown !== undefined) {
  console.error(`There is no bench "${unknown}". There are: ${Object.keys(parts).join(", ")}`);
  process.exit(2);
}

const machine = cpus();
console.log(
  `Node ${process.version}, ${machine.length} x ${machine[0]?.model ?? "unknown"}; medians of 5 rounds, of pools of 3`,
);
for (const [name, bench] of Object.entries(parts)) {
  if (asked.length === 0 || asked.includes(name)) await bench();
}
