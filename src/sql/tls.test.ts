import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TimeoutError, run, timeout } from "../core/index.ts";
import { certificate, privateKey } from "../../test/http-certificate.ts";
import { runningQueries } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { connect } from "./index.ts";

let server: Postgres;
const folder = mkdtempSync(join(tmpdir(), "taskwright-postgres-tls-"));
const certificateFile = join(folder, "server.crt");
beforeAll(async () => {
  const keyFile = join(folder, "server.key");
  writeFileSync(certificateFile, certificate);
  writeFileSync(keyFile, privateKey, { mode: 0o600 });
  if (process.getuid?.() === 0) for (const path of [folder, keyFile]) chownSync(path, 65_534, 65_534);
  server = await startPostgres({ settings: { ssl: "on", ssl_cert_file: certificateFile, ssl_key_file: keyFile } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });
const url = (parameters: string): string => `${server.url()}?${parameters}`;

test.for(["", "sslmode=require", "sslmode=require&sslnegotiation=direct"])(
  "queries go over TLS, and so do the requests to stop them: %s",
  (parameters) =>
    inTree(async () => {
      await using db = await connect(url(parameters), { max: 1 });
      await using watcher = await connect(url(parameters));
      const pid = await db.fetchValue("select pg_backend_pid()");
      expect(await db.fetchValue("select ssl from pg_stat_ssl where pid = pg_backend_pid()")).toBe(true);

      await expect(timeout(30, () => db.fetch("select pg_sleep(60)"))).rejects.toThrow(TimeoutError);

      expect(await runningQueries(watcher)).toEqual([]);
      expect(await db.fetchValue("select pg_backend_pid()")).toBe(pid);
    }),
);

test("a certificate is checked where the URL asks for it", () =>
  inTree(async () => {
    await using unknown = await connect(url("sslmode=verify-ca"));
    await expect(unknown.fetch("select 1")).rejects.toThrow(/certificate/);

    for (const mode of ["verify-ca", "verify-full"]) {
      await using known = await connect(url(`sslmode=${mode}&sslrootcert=${certificateFile}`));
      expect(await known.fetchValue("select 1")).toBe(1);
      await expect(timeout(30, () => known.fetch("select pg_sleep(60)"))).rejects.toThrow(TimeoutError);
      expect(known.statistics().connections).toBe(1);
    }
  }));
