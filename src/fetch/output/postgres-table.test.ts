import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Postgres, startPostgres } from "../../../test/sql/postgres.ts";
import { freshDatabase } from "../../../test/sql/databases.ts";
import { run } from "../../core/index.ts";
import type { Database } from "../../sql/index.ts";
import { identityOf } from "../journal/job-identity.ts";
import { PostgresTable, columnNames, postgresRowOf } from "./postgres-table.ts";
import type { ResultRecord } from "./result-record.ts";

let server: Postgres;
let db: Database;
let table: PostgresTable;
beforeAll(async () => {
  server = await startPostgres();
  db = await freshDatabase(server, { max: 2 });
  await run(
    async () => {
      await using connection = await db.acquire();
      const job = identityOf({ method: undefined, headers: [], body: undefined, form: {} });
      const settings = { name: "a table", table: "results", job, start: "auto", retriesFailed: false } as const;
      table = await PostgresTable.find(connection, settings);
      await table.prepare(connection, "00000000-0000-4000-8000-000000000000");
    },
    { signals: false },
  );
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** Whatever JavaScript can have in a text: halves of pairs, NUL, and what COPY escapes. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("\0", "\\", "\t", "\n", "\ud800", "N") }),
);
const bytes = fc.uint8Array({ maxLength: 50 }).map((some) => Buffer.from(some));
const ms = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }));
const body: fc.Arbitrary<Pick<ResultRecord, "bodyType" | "body">> = fc.oneof(
  fc.constant({ bodyType: null, body: null }),
  bytes.map((some) => ({ bodyType: "bytes" as const, body: some })),
  fc.record({ bodyType: fc.constantFrom("text" as const, "json" as const, "file" as const), body: text }),
);
const header = fc.string({ unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)) });
const record: fc.Arbitrary<Omit<ResultRecord, "number">> = fc
  .tuple(
    fc.record({
      id: fc.oneof(text, fc.integer(), fc.double({ noNaN: true })),
      url: fc.option(text),
      ok: fc.boolean(),
      status: fc.option(fc.integer({ min: 100, max: 999 })),
      attempts: fc.nat(1_000),
      headersMs: ms,
      attemptMs: ms,
      totalMs: ms,
      headers: fc.option(fc.dictionary(header, fc.oneof(header, fc.array(header)), { noNullPrototype: true })),
      errorCode: fc.option(fc.constantFrom("ECONNRESET", "BAD_LINE")),
      errorMessage: fc.option(text),
      requestHash: fc.integer({ min: 1, max: 0xffff_ffff }),
    }),
    body,
  )
  .map(([rest, what]) => ({ ...rest, ...what }));

/** As Postgres has it. */
const stored = (some: string | null): string | null => some?.toWellFormed().replaceAll("\0", "\ufffd") ?? null;

test(
  "whatever a result holds is in its row, but for what no text of Postgres can hold",
  () =>
    run(
      () =>
        fc.assert(
          fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), async (some) => {
            const records = some.map((each, index): ResultRecord => ({ ...each, number: index + 1 }));
            await db.execute(`truncate ${table.path}`);
            await db.copyInto(table.path, columnNames, records.map(postgresRowOf));
            const rows = await db.fetch(`select * from ${table.path} order by number`);
            expect(rows).toEqual(
              records.map((each) => {
                const isBytes = each.body !== null && (each.bodyType === "bytes" || each.body.includes("\0"));
                return {
                  number: each.number,
                  id: stored(String(each.id)),
                  url: stored(each.url),
                  ok: each.ok,
                  status: each.status,
                  attempts: each.attempts,
                  headers_ms: each.headersMs,
                  attempt_ms: each.attemptMs,
                  total_ms: each.totalMs,
                  headers: each.headers,
                  body_type: isBytes ? "bytes" : each.bodyType,
                  body: isBytes ? null : stored(each.body as string | null),
                  body_bytes: isBytes ? new Uint8Array(Buffer.from(each.body as string)) : null,
                  error_code: each.errorCode,
                  error_message: stored(each.errorMessage),
                  request_hash: each.requestHash,
                };
              }),
            );
          }),
          { numRuns: 100 },
        ),
      { signals: false },
    ),
  60_000,
);
