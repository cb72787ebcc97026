/** What the table says is so: each row over real sockets, alone, once and again, over TLS, in a session and in a batch. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { now, timeout } from "../../src/index.ts";
import {
  type ConnectionFault,
  type DnsCode,
  type FaultCertificate,
  expectNoLeaks,
  faults,
  withVirtualTime,
} from "../../src/testing/index.ts";
import {
  type FaultRow,
  asItCame,
  fetchAttempts,
  fetchCode,
  fetchEnding,
  fetchPausesMs,
  isCounted,
  nextConnection,
  notFollowed,
  sessionAttempts,
} from "./fault-row.ts";
import { faultTable } from "./fault-table.ts";
import {
  type HowOften,
  type Scene,
  type Seen,
  ask,
  expected,
  fetchOne,
  fine,
  openScene,
  quickly,
  sessionFor,
} from "./meet-fault.ts";

/** No row may hang. */
const boundMs = 25_000;

/** Runs `meet` with the other side of `row`, within a time, and nothing may be left of it. */
function meeting<T>(
  row: FaultRow,
  howOften: HowOften,
  meet: (scene: Scene) => Promise<T>,
  isSecure: boolean = false,
): Promise<T> {
  return expectNoLeaks(() =>
    timeout(boundMs, async () => {
      await using scene = await openScene(row, howOften, isSecure);
      return await meet(scene);
    }),
  );
}

/** @returns how the next request ends, if there is one */
function meetWithoutRetries(row: FaultRow, isSecure: boolean): Promise<Seen | undefined> {
  return meeting(
    row,
    "always",
    async (scene) => {
      const { server } = scene;
      await using session = sessionFor(row, scene, { retry: false });
      const next = nextConnection(row);

      expect(await ask(session, row, scene.url)).toMatchObject(expected(row.ends));
      expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
      if (!isReached(row)) return undefined;
      expect(scene.asked).toBe(row.requests ?? 1);
      // One that is not to be used again is closed, and not only left alone.
      if (next === "new") while (session.statistics().connections > 0) await nextTurn();
      if (next === "new" && row.isDeaf !== true) await server.until(({ openConnections }) => openConnections === 0);
      const then = await ask(session, { ...row, request: { method: "GET" } }, scene.elsewhere);
      expect(server.statistics().connections).toBe(next === "new" ? 2 : 1);
      expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
      return then;
    },
    isSecure,
  );
}

function nextEnding(row: FaultRow): Partial<Seen> {
  const isLost = nextConnection(row) === "lost";
  return isLost ? { fails: "get", code: "HTTP_CONNECTION", phase: "request" } : { fails: "never", text: fine };
}

/** Whether it is the request that meets the fault, and not the way to the server. */
function isReached({ dns, server, isDown, isProxy, ends }: FaultRow): boolean {
  return (
    dns === undefined &&
    isProxy !== true &&
    server?.connections === undefined &&
    isDown !== true &&
    ends.phase !== "connect"
  );
}

describe.for(faultTable)("$title", ({ rows }) => {
  describe.for(rows)("$fault: $does", (row) => {
    test("in a session that does not retry, and the next request", async () => {
      expect((await meetWithoutRetries(row, false)) ?? nextEnding(row)).toMatchObject(nextEnding(row));
    });

    test("in a session that meets it always", () =>
      meeting(row, "always", async (scene) => {
        await using session = sessionFor(row, scene, { retry: quickly(row) });

        expect(await ask(session, row, scene.url)).toMatchObject(expected(row.retried ?? row.ends));
        expect(scene.asked).toBe(isCounted(row) ? sessionAttempts(row) : undefined);
        expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
      }));

    // Who is left alone is asked again for ever.
    if (fetchPausesMs(row) !== undefined) return;
    test("in a batch that meets it always", () =>
      meeting(row, "always", async (scene) => {
        const ends = fetchEnding(row);
        const { status, error, attempts } = await fetchOne(row, scene);

        const failed = { code: fetchCode(ends), status: ends.status };
        const isAnswer = ends.fails === "never";
        expect({ status, error }).toMatchObject(isAnswer ? { status: ends.status } : { error: failed });
        expect(error === undefined).toBe(isAnswer);
        expect(attempts).toBe(fetchAttempts(row));
      }));
  });
});

const rows = faultTable.flatMap(({ rows: all, title }) => all.map((row) => ({ ...row, title })));

/** Faults that come once, and are made up for. */
const passing = rows.filter(
  ({ ends, isDown, isProxy, lasts }) => ends.isRetried && isDown !== true && isProxy !== true && lasts !== true,
);
/** Those that ask to be left alone, for longer than a test may take. */
const pausing = rows.filter(({ pausesMs }) => pausesMs !== undefined);
const quick = passing.filter(({ pausesMs }) => pausesMs === undefined);

describe("what comes once is made up for", () => {
  test.for(quick.filter(({ ends }) => ends.fails !== "body"))("by a session: $title, $fault: $does", (row) =>
    meeting(row, "once", async (scene) => {
      await using session = sessionFor(row, scene, { retry: quickly(row) });

      expect(await ask(session, row, scene.url)).toMatchObject({ fails: "never", status: 200 });
      expect(scene.asked).toBe(isCounted(row) ? 2 : undefined);
    }),
  );

  test.for(quick)("by a batch: $title, $fault: $does", (row) =>
    meeting(row, "once", async (scene) => {
      expect(await fetchOne(row, scene)).toMatchObject({ ok: true, status: 200, attempts: 2 });
    }),
  );
});

describe("a pause is waited out in full, and uses up no attempt", () => {
  test.for(pausing)("of a session: $fault", (row) =>
    inVirtualTime(row, async (scene) => {
      await using session = sessionFor(row, scene, { retry: { attempts: 1 } });

      expect(await ask(session, row, scene.url)).toMatchObject({ fails: "never", text: fine });
    }),
  );

  test.for(pausing)("of a batch: $fault", (row) =>
    inVirtualTime(row, async (scene) => {
      expect(await fetchOne(row, scene)).toMatchObject({ ok: true, attempts: 2 });
    }),
  );
});

function inVirtualTime(row: FaultRow, meet: (scene: Scene) => Promise<void>): Promise<void> {
  return withVirtualTime(async () => {
    await using scene = await openScene(row, "once");
    const beganMs = now();
    await meet(scene);
    expect(now() - beganMs).toBeGreaterThanOrEqual(row.pausesMs!);
  });
}

describe("a batch that follows redirects and decompresses ends as a session does", () => {
  const others = rows.filter(({ fetch }) => fetch === notFollowed || fetch === asItCame);

  test.for(others)("$title, $fault: $does", (row) =>
    meeting(row, "always", async (scene) => {
      const { status, error, attempts } = await fetchOne(row, scene, { redirect: true, decompress: true });

      const isAnswer = row.ends.fails === "never";
      const failed = { code: row.ends.code, status: row.ends.status };
      expect({ status, error }).toMatchObject(isAnswer ? { status: row.ends.status } : { error: failed });
      expect(attempts).toBe(1);
    }),
  );
});

describe("the same over TLS", () => {
  const plain = rows.filter((row) => row.server === undefined && row.isProxy !== true && isCounted(row));

  test.for(plain)("$title, $fault: $does", async (row) => {
    expect(await meetWithoutRetries(row, true)).toMatchObject(nextEnding(row));
  });
});

/** Complete, or it does not compile. */
const connectionFaults: Record<ConnectionFault, true> = {
  serve: true,
  reset: true,
  close: true,
  "reset-on-first-bytes": true,
  "close-on-first-bytes": true,
  hang: true,
  garbage: true,
};
const certificates: Record<FaultCertificate, true> = {
  valid: true,
  expired: true,
  "not-yet-valid": true,
  "wrong-host": true,
  "self-signed": true,
  "unknown-issuer": true,
};
const dnsCodes: Record<DnsCode, true> = {
  NOERROR: true,
  FORMERR: true,
  SERVFAIL: true,
  NXDOMAIN: true,
  NOTIMP: true,
  REFUSED: true,
};

test("each fault that is exported has a row", () => {
  const shown = rows.map(({ fault }) => ` ${fault}`).join("");
  const all = [
    ...Object.keys(faults).map((name) => `${name}(`),
    ...Object.keys(connectionFaults).flatMap((name) => (name === "serve" ? [] : [` connections: "${name}"`])),
    ...Object.keys(certificates).map((name) => `tls: "${name}"`),
    ...Object.keys(dnsCodes).map((name) => `code: "${name}"`),
  ];

  expect(all.filter((fault) => !shown.includes(fault))).toEqual([]);
});
