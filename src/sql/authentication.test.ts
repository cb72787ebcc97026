import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TimeoutError, run, timeout } from "../core/index.ts";
import {
  aliceCertificate,
  aliceKey,
  aliceLockedKey,
  authority,
  serverCertificate,
  serverKey,
} from "../../test/sql/certificates.ts";
import { certificate as strangeCertificate, privateKey as strangeKey } from "../../test/http-certificate.ts";
import { runningQueries } from "../../test/sql/databases.ts";
import { type Postgres, startPostgres } from "../../test/sql/postgres.ts";
import { ConnectError, type Database, connect } from "./index.ts";

/** The first line that fits counts. */
const rules = `
local   all postgres                trust
host    all postgres   all          trust
hostssl all tls_only   all          trust
hostnossl all plain_only all        trust
host    all scram_user all          scram-sha-256
host    all odd_user   all          scram-sha-256
host    all md5_user   all          md5
host    all clear_user all          password
hostssl all alice      all          cert
hostssl all careful    all          scram-sha-256 clientcert=verify-ca
`;

const oddPassword = "pä ss:w@rd/?#%\\'\"&=\u00A0ﬀ";

const roles = `
  create role tls_only login; create role plain_only login; create role alice login;
  set password_encryption = 'scram-sha-256';
  create role scram_user login password 'hunter2'; create role careful login password 'hunter2';
  create role odd_user login password '${oddPassword.replaceAll("'", "''")}';
  create role clear_user login password 'hunter2';
  set password_encryption = 'md5';
  create role md5_user login password 'hunter2'`;

const folder = mkdtempSync(join(tmpdir(), "taskwright-postgres-authentication-"));
const files = {
  rules,
  authority,
  serverCertificate,
  serverKey,
  aliceCertificate,
  aliceKey,
  aliceLockedKey,
  strangeCertificate,
  strangeKey,
};
const path = (name: keyof typeof files): string => join(folder, name);

let server: Postgres;
beforeAll(async () => {
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    if (process.getuid?.() === 0) chownSync(file, 65_534, 65_534);
  }
  if (process.getuid?.() === 0) chownSync(folder, 65_534, 65_534);
  server = await startPostgres({
    settings: {
      hba_file: path("rules"),
      ssl: "on",
      ssl_cert_file: path("serverCertificate"),
      ssl_key_file: path("serverKey"),
      ssl_ca_file: path("authority"),
    },
  });
  await using admin = await connect(server.url());
  await admin.execute(roles);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const inTree = <T>(fn: () => Promise<T>): Promise<T> => run(fn, { signals: false });

interface Login {
  readonly user: string;
  readonly password?: string;
  /** Of the server. @default "127.0.0.1" */
  readonly host?: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

function urlOf({ user, password, host = "127.0.0.1", parameters = {} }: Login): string {
  const credentials = password === undefined ? user : `${user}:${encodeURIComponent(password)}`;
  return `postgres://${credentials}@${host}:${server.port}/postgres?${new URLSearchParams(parameters).toString()}`;
}

/** Who is in, and whether with TLS. */
async function enter(login: Login): Promise<{ readonly user: string; readonly ssl: boolean }> {
  await using db = await connect(urlOf(login));
  return (await db.fetchRow(
    "select current_user as user, (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as ssl",
  ))!;
}

async function refusal(login: Login): Promise<ConnectError> {
  const error: unknown = await enter(login).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConnectError);
  // A password stands in none, nor does one that was not given.
  expect(JSON.stringify(error) + String(error)).not.toContain(login.password ?? "hunter2");
  return error as ConnectError;
}

const ca = { sslrootcert: path("authority") };
const otherCa = { sslrootcert: path("strangeCertificate") };

describe("sslmode", () => {
  const modes: readonly [mode: string, user: string, ssl: boolean][] = [
    ["disable", "postgres", false],
    ["disable", "plain_only", false],
    // Without TLS first, and with it where the server asks for it.
    ["allow", "postgres", false],
    ["allow", "tls_only", true],
    ["allow", "plain_only", false],
    // With TLS first, and without it where the server does not let that in.
    ["prefer", "postgres", true],
    ["prefer", "tls_only", true],
    ["prefer", "plain_only", false],
    ["require", "postgres", true],
    ["require", "tls_only", true],
  ];

  test.for(modes)("%s lets %s in, with TLS: %s", ([sslmode, user, ssl]) =>
    inTree(async () => {
      expect(await enter({ user, parameters: { sslmode } })).toEqual({ user, ssl });
    }),
  );

  test.for([
    ["disable", "tls_only"],
    ["require", "plain_only"],
  ])("%s keeps %s out, as the server does", ([sslmode, user]) =>
    inTree(async () => {
      expect(await refusal({ user: user!, parameters: { sslmode: sslmode! } })).toMatchObject({ sqlState: "28000" });
    }),
  );

  const checks: readonly [sslmode: string, host: string, ca: Readonly<Record<string, string>>, isIn: boolean][] = [
    // As with libpq, a root certificate has `require` check who has signed.
    ["require", "127.0.0.1", {}, true],
    ["require", "127.0.0.1", ca, true],
    ["require", "127.0.0.1", otherCa, false],
    ["verify-ca", "127.0.0.1", ca, true],
    ["verify-ca", "127.0.0.1", otherCa, false],
    ["verify-ca", "127.0.0.1", {}, false],
    ["verify-full", "localhost", ca, true],
    ["verify-full", "localhost", otherCa, false],
    // The certificate is for localhost.
    ["verify-full", "127.0.0.1", ca, false],
    ["verify-full", "localhost", { sslrootcert: "system" }, false],
  ];

  test.for(checks)("%s of %s with %o: %s", ([sslmode, host, root, isIn]) =>
    inTree(async () => {
      const login = { user: "postgres", host, parameters: { sslmode, ...root } };
      const outcome = await enter(login).catch((error: unknown) => error);

      const refused = expect.objectContaining({
        code: "SQL_CONNECT",
        message: expect.stringMatching(/certificate|altnames/) as string,
      });
      expect(outcome).toEqual(isIn ? { user: "postgres", ssl: true } : refused);
    }),
  );
});

test("with an address beside it, the name is what the certificate must have", () =>
  inTree(async () => {
    const parameters = { sslmode: "verify-full", ...ca, hostaddr: "127.0.0.1" };

    expect(await enter({ user: "postgres", host: "localhost", parameters })).toEqual({ user: "postgres", ssl: true });
    expect(await refusal({ user: "postgres", host: "elsewhere.invalid", parameters })).toMatchObject({
      message: expect.stringContaining("altnames") as string,
    });
    await using db = await connect(urlOf({ user: "postgres", host: "localhost", parameters }));
    await db.fetch("select 1");
    await expect(timeout(30, () => db.fetch("select pg_sleep(60)"))).rejects.toThrow(TimeoutError);
    expect(db.statistics().connections).toBe(1);
  }));

test.for([
  ["ssl_max_protocol_version", "TLSv1.2", "TLSv1.2"],
  ["ssl_min_protocol_version", "TLSv1.3", "TLSv1.3"],
] as const)("%s=%s is kept to", ([name, version, used]) =>
  inTree(async () => {
    await using db = await connect(urlOf({ user: "postgres", parameters: { sslmode: "require", [name]: version } }));
    expect(await db.fetchValue("select version from pg_stat_ssl where pid = pg_backend_pid()")).toBe(used);
  }),
);

describe("channel_binding", () => {
  const login = { user: "scram_user", password: "hunter2" };
  const required = { sslmode: "require", channel_binding: "require" };

  test("lets in where the server binds the login to TLS", () =>
    inTree(async () => {
      expect(await enter({ ...login, parameters: required })).toEqual({ user: "scram_user", ssl: true });
      const none = { sslmode: "require", channel_binding: "disable" };
      expect(await enter({ ...login, parameters: none })).toEqual({ user: "scram_user", ssl: true });
    }));

  test.for([
    [{ ...login, parameters: { ...required, sslmode: "disable" } }],
    [{ ...login, user: "md5_user", parameters: required }],
    [{ ...login, user: "clear_user", parameters: required }],
    [{ user: "postgres", parameters: required }],
  ])("keeps out of where it does not: %j", ([strange]) =>
    inTree(async () => {
      expect(await refusal(strange!)).toMatchObject({
        message: expect.stringContaining("channel_binding") as string,
      });
    }),
  );
});

describe("a password", () => {
  test.for(["scram_user", "md5_user", "clear_user"])("is taken from %s if it is right, with TLS and without", (user) =>
    inTree(async () => {
      for (const [sslmode, ssl] of [
        ["disable", false],
        ["require", true],
      ] as const) {
        expect(await enter({ user, password: "hunter2", parameters: { sslmode } })).toEqual({ user, ssl });
      }
    }),
  );

  test.for(["scram_user", "md5_user", "clear_user"])("of %s that is wrong or missing is told at once", (user) =>
    inTree(async () => {
      const wrong = await timeout(5_000, () => refusal({ user, password: "hunter3" }));
      expect(wrong).toMatchObject({ code: "SQL_CONNECT", sqlState: "28P01" });

      const missing = await timeout(5_000, () => refusal({ user, parameters: { passfile: join(folder, "none") } }));
      expect(missing.message).toContain("password");
    }),
  );

  test("may hold anything", () =>
    inTree(async () => {
      const user = "odd_user";
      expect(await enter({ user, password: oddPassword })).toEqual({ user, ssl: true });
      expect(await refusal({ user, password: `${oddPassword} ` })).toMatchObject({ sqlState: "28P01" });
    }));

  test("of an unknown user is refused as a wrong one is", () =>
    inTree(async () => {
      expect(await refusal({ user: "nobody_here", password: "hunter2" })).toMatchObject({ sqlState: "28000" });
    }));

  test("that is wrong is told to all who wait for a connection, and others are let in later", () =>
    inTree(async () => {
      await using db: Database = await connect(urlOf({ user: "scram_user", password: "later" }));
      const outcomes = await Promise.allSettled([1, 2, 3].map(() => db.fetch("select 1")));
      expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
      expect(db.statistics()).toEqual({ connections: 0, inUse: 0, waiting: 0 });

      await using admin = await connect(server.url());
      await admin.execute("alter role scram_user password 'later'");
      expect(await db.fetchValue("select current_user")).toBe("scram_user");
      await admin.execute("alter role scram_user password 'hunter2'");
    }));
});

describe("a certificate of the client", () => {
  const withKey = { sslmode: "verify-ca", ...ca, sslcert: path("aliceCertificate"), sslkey: path("aliceKey") };

  test("lets in whom it names, whose queries can be cancelled", () =>
    inTree(async () => {
      expect(await enter({ user: "alice", parameters: withKey })).toEqual({ user: "alice", ssl: true });
      const locked = { ...withKey, sslkey: path("aliceLockedKey"), sslpassword: "open" };
      expect(await enter({ user: "alice", parameters: locked })).toEqual({ user: "alice", ssl: true });

      await using db = await connect(urlOf({ user: "alice", parameters: withKey }));
      await using watcher = await connect(server.url());
      await db.fetch("select 1");
      await expect(timeout(30, () => db.fetch("select pg_sleep(60)"))).rejects.toThrow(TimeoutError);
      expect(await runningQueries(watcher)).toEqual([]);
      expect(db.statistics().connections).toBe(1);
    }));

  test("may be asked for beside a password", () =>
    inTree(async () => {
      const login = { user: "careful", password: "hunter2", parameters: withKey };
      expect(await enter(login)).toEqual({ user: "careful", ssl: true });
      expect(await refusal({ ...login, password: "hunter3" })).toMatchObject({ sqlState: "28P01" });
      expect(await refusal({ ...login, parameters: { sslmode: "require" } })).toMatchObject({ sqlState: "28000" });
    }));

  test("keeps out whom it does not name, and whom it is missing from", () =>
    inTree(async () => {
      expect(await refusal({ user: "alice", parameters: { sslmode: "require" } })).toMatchObject({ sqlState: "28000" });
      expect(await refusal({ user: "alice" })).toMatchObject({ sqlState: "28000" });
      const strange = { sslmode: "require", sslcert: path("strangeCertificate"), sslkey: path("strangeKey") };
      await refusal({ user: "alice", parameters: strange });
      const locked = { ...withKey, sslkey: path("aliceLockedKey"), sslpassword: "shut" };
      const error = await timeout(5_000, () => refusal({ user: "alice", parameters: locked }));
      expect(error.message).toBe(`no connection to postgres://127.0.0.1:${server.port}/postgres: TLS: bad decrypt`);
    }));
});
