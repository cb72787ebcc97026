/** Credentials and queries of URLs are in no message and no field of any error, whichever way a request fails. */
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FetchInput, fetchAll } from "../../src/fetch/index.ts";
import { type SessionOptions, openSession } from "../../src/http/index.ts";
import {
  type ConnectionFault,
  type Fault,
  type FaultServerOptions,
  faults,
  openFaultServer,
} from "../../src/testing/index.ts";

/** Stands in every user and password. */
const mark = "s3cr3t";
/** Stands in every query, which is in no error of HTTP; results show URLs as they were given, but for credentials. */
const queryMark = "qu3ry";

/** What people put into passwords, escaped or not. */
const junk = fc.stringMatching(/^[\w!$&'()*+,;=:%@/?#[\]\\ "<>^`{|}~é€-]{0,8}$/);
const secret = fc.tuple(junk, junk).map(([before, after]) => `${before}${mark}${after}`);
const maybeEscaped = fc.tuple(secret, fc.boolean()).map(([text, escape]) => (escape ? encodeURIComponent(text) : text));
const path = fc.constantFrom("", "/", "/a/b", "/a%20b", "/a b", "/../x");
const query = fc.oneof(
  fc.constant(""),
  junk.map((text) => `?token=${text}${queryMark}`),
);

interface SecretUrl {
  readonly user: string;
  readonly password: string;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
}

const secretUrl: fc.Arbitrary<SecretUrl> = fc.record({
  user: maybeEscaped,
  password: maybeEscaped,
  path,
  query,
  fragment: fc.constantFrom("", `#${queryMark}`),
});

function write(
  scheme: string,
  host: string,
  { user, password, path: where, query: asked, fragment }: SecretUrl,
): string {
  return `${scheme}${user}:${password}@${host}${where}${asked}${fragment}`;
}

/** Whether it is read as it was meant: with a bare slash or hash among them, credentials are a host or a path. */
function isMeant(text: string, host: string): boolean {
  const url = URL.parse(text);
  return (
    url === null ||
    (url.host === host &&
      url.username !== "" &&
      ![url.host, url.pathname, url.search, url.hash].join("").includes(mark))
  );
}

/** Everything that can be seen of it, causes and their fields included. */
function shown(value: unknown): string {
  return [
    inspect(value, { depth: 8, showHidden: true, getters: false, maxStringLength: Infinity, maxArrayLength: Infinity }),
    value instanceof Error ? `${value.message}\n${value.stack}` : JSON.stringify(value),
  ].join("\n");
}

/** What of the secrets can be seen of `value`. */
function leak(value: unknown, { user, password }: SecretUrl): string | undefined {
  const text = shown(value);
  const basic = Buffer.from(`${unescaped(user)}:${unescaped(password)}`).toString("base64");
  const secrets = [mark, basic, ...(value instanceof Error ? [queryMark] : [])];
  const at = secrets.map((one) => text.indexOf(one)).find((one) => one !== -1);
  return at === undefined ? undefined : text.slice(Math.max(0, at - 200), at + 60);
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Asks in every way, and gives everything that is thrown or told. */
async function failures(url: string, options: SessionOptions): Promise<unknown[]> {
  const settings = {
    retry: false,
    timeout: { connectMs: 200, headersMs: 60, idleMs: 60 },
    maxBodyBytes: 100,
    ...options,
  } as const;
  const all: unknown[] = [];
  await using session = openSession(settings);
  try {
    await (await session.get(url)).json();
  } catch (error) {
    all.push(error);
  }
  const { tls, proxy } = options;
  const own = { ...(tls && { tls }), ...(proxy && { proxy }) };
  const limits = { timeoutMs: 80, maxBodyBytes: 100, retry: { attempts: 1 }, session: own };
  const request: FetchInput = { url };
  for await (const outcome of fetchAll([request], limits)) {
    const { request: given, ...told } = outcome;
    expect(given).toBe(request); // As it was given: that is the caller's.
    all.push(told.error);
  }
  return all;
}

const broken: readonly (readonly [what: string, fault: Fault, options?: FaultServerOptions])[] = [
  ["no answer", faults.hang()],
  ["a reset", faults.reset()],
  ["no HTTP", faults.raw()],
  ["a short body", faults.shortBody()],
  ["no JSON", faults.ok("no JSON")],
  ["a long body", faults.largeBody(1_000)],
  ["bad chunks", faults.badChunkSize()],
  ["no gzip", faults.badEncoding("gzip")],
  ["a loop", faults.redirectLoop()],
  ["a redirect to nowhere", faults.redirect("ftp://example.com/")],
  ["status 401", faults.status(401)],
  ["a bad certificate", faults.ok(), { tls: "expired" }],
  ["no TLS", faults.ok(), { tls: "valid", connections: "garbage" }],
  ["a broken handshake", faults.ok(), { tls: "valid", connections: "reset" satisfies ConnectionFault }],
];

describe("nothing secret of a URL is shown", () => {
  test.for(broken)("with %s", async ([, fault, options]) => {
    await using server = await openFaultServer(fault, options);
    const { host, protocol } = new URL(server.url);
    await fc.assert(
      fc.asyncProperty(secretUrl, async (parts) => {
        const url = write(`${protocol}//`, host, parts);
        fc.pre(isMeant(url, host));
        for (const failure of await failures(url, {})) expect(leak(failure, parts)).toBeUndefined();
      }),
      { numRuns: fault.name === "hang" ? 3 : 10 },
    );
  });

  test("where it is no URL, or none that can be asked", async () => {
    const scheme = fc.constantFrom("http://", "https://", "ftp://", "http:/", "http:", "", "//", "ht tp://", "mailto:");
    const host = fc.constantFrom("127.0.0.1:1", "127.0.0.1:99999", "[::1", "a b", "", "%", "127.0.0.1:x", "host\nname");
    await fc.assert(
      fc.asyncProperty(scheme, host, secretUrl, async (before, where, parts) => {
        const url = write(before, where, parts);
        const parsed = URL.parse(url);
        fc.pre(parsed === null || parsed.host === "" || isMeant(url, parsed.host));
        // It is to be asked of nobody else.
        fc.pre(parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.hostname === "127.0.0.1");
        for (const failure of await failures(url, {})) expect(leak(failure, parts)).toBeUndefined();
        expect(
          leak(
            thrownBy(() => openSession({ baseUrl: url })),
            parts,
          ),
        ).toBeUndefined();
        expect(
          leak(
            thrownBy(() => openSession({ proxy: url })),
            parts,
          ),
        ).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test("of a proxy that is down, refuses, or is none", async () => {
    await using refusing = await openFaultServer(faults.status(407));
    await using other = await openFaultServer(faults.raw());
    const hosts = fc.constantFrom("127.0.0.1:1", ...[refusing, other].map(({ url }) => new URL(url).host));
    const to = fc.constantFrom("http://target.test/", "https://target.test/");
    await fc.assert(
      fc.asyncProperty(hosts, to, secretUrl, async (host, url, parts) => {
        const proxy = write("http://", host, parts);
        fc.pre(URL.parse(proxy) !== null && isMeant(proxy, host));
        for (const failure of await failures(url, { proxy })) expect(leak(failure, parts)).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  test("of a redirect to it", async () => {
    await fc.assert(
      fc.asyncProperty(secretUrl, fc.constantFrom("http://", "ftp://", "http://["), async (parts, scheme) => {
        const location = write(scheme, "127.0.0.1:1", parts);
        fc.pre(/^[\x21-\x7e]*$/.test(location) && isMeant(location, "127.0.0.1:1"));
        await using server = await openFaultServer(faults.redirect(location));
        for (const failure of await failures(server.url, {})) expect(leak(failure, parts)).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });
});

function thrownBy(fn: () => unknown): unknown {
  try {
    fn();
    return undefined;
  } catch (error) {
    return error;
  }
}
