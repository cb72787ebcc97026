import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("faults-child.ts", import.meta.url));

test("after all that can go wrong, each several times, no socket, timer, listener or connection at the server is left", async () => {
  const child = spawn(process.execPath, ["--conditions=taskwright-source", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  // By itself: whatever were left would keep it going.
  const [code] = (await once(child, "close")) as [number];

  expect(code).toBe(0);
  const { told, warnings, left } = JSON.parse(said) as Record<"told" | "warnings" | "left", unknown>;
  const times = 3;
  expect(told).toEqual({
    "a query cancelled: TIMEOUT": times,
    "rows cancelled: TIMEOUT": times,
    "a transaction cancelled within another: TIMEOUT": times,
    "a copy in whose source fails: ON_PURPOSE": times,
    "a copy in that is cancelled: TIMEOUT": times,
    "a copy in that is refused: SQL_QUERY": times,
    "many rows that are cancelled: TIMEOUT": times,
    "a copy out that is cancelled: TIMEOUT": times,
    "a copy out that fails: SQL_QUERY": times,
    "a stream that is cancelled: TIMEOUT": times,
    "a query that is terminated: SQL_CONNECTION_LOST": times,
    "a stream that is terminated: SQL_CONNECTION_LOST": times,
    "a copy out that is terminated: SQL_CONNECTION_LOST": times,
    "a copy in that is terminated: SQL_CONNECTION_LOST": times,
    "a transaction that is terminated: SQL_CONNECTION_LOST": times,
    "a query when the server crashes: SQL_CONNECTION_LOST": times,
    "a stream when the server crashes: SQL_CONNECTION_LOST": times,
    "a copy in when the server crashes: SQL_CONNECTION_LOST": times,
    "a query without a server: SQL_CONNECT": times,
    "a query that cannot be stopped: TIMEOUT": times,
    "a connection that does not come: TIMEOUT": times,
    "a query in a database that is closed: SQL_CLOSED": times,
    "a stream of a database that is closed: SQL_CLOSED": times,
    "a copy out of a database that is closed: SQL_CLOSED": times,
    "a listener of a database that is closed: SQL_CLOSED": times,
    "a database that is not there: SQL_CONNECT": times,
  });
  expect(warnings).toEqual([]);
  expect(left).toEqual({ resources: [], listeners: 0 });
});
