/** Whatever bytes servers send: sessions and batches come to an end, in time, with what is documented, and leave nothing. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fetchAll } from "../../src/fetch/index.ts";
import { HttpError, type Session, openSession } from "../../src/http/index.ts";
import { sleep, timeout } from "../../src/index.ts";
import {
  type Fault,
  type FaultScript,
  type FaultServer,
  expectNoLeaks,
  faults,
  openFaultServer,
} from "../../src/testing/index.ts";
import { flags, frameTypes, writeFrame } from "../../src/testing/internal/fault-frames.ts";
import { root } from "../docs/snippets.ts";

const packed = gzipSync("hello hello hello").toString("latin1");

/** What a server may well answer, as latin1. */
const valid: readonly string[] = [
  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;name=value\r\nhello\r\na\r\n0123456789\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
  "HTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 4\r\n\r\ngone",
  "HTTP/1.0 200 OK\r\n\r\nup to the end",
  "HTTP/1.1 503 Busy\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nset-cookie: a=1; path=/\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nok",
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}',
  `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n${packed}`,
];

/** One thing that goes wrong with some bytes. */
const mutation = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: fc.nat(), bit: fc.nat({ max: 7 }) }),
  fc.record({ kind: fc.constant("cut" as const), at: fc.nat() }),
  fc.record({ kind: fc.constant("drop" as const), at: fc.nat(), length: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant("double" as const), at: fc.nat(), length: fc.integer({ min: 1, max: 60 }) }),
  fc.record({
    kind: fc.constant("put" as const),
    at: fc.nat(),
    text: fc.constantFrom(
      "\r\n",
      "\n",
      "\r",
      "\0",
      ":",
      " ",
      "-",
      "0",
      "9",
      "ffffffff",
      "\r\n\r\n",
      "\t",
      "chunked",
      "\xff",
    ),
  }),
  fc.record({ kind: fc.constant("splice" as const), at: fc.nat(), other: fc.constantFrom(...valid), from: fc.nat() }),
);

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(text: string, change: Mutation): string {
  const at = change.at % (text.length + 1);
  const [before, after] = [text.slice(0, at), text.slice(at)];
  switch (change.kind) {
    case "flip":
      return before + String.fromCharCode((after.charCodeAt(0) || 0) ^ (1 << change.bit)) + after.slice(1);
    case "cut":
      return before;
    case "drop":
      return before + after.slice(change.length);
    case "double":
      return before + after.slice(0, change.length) + after;
    case "put":
      return before + change.text + after;
    case "splice":
      return before + change.other.slice(change.from % change.other.length);
    default:
      throw new TypeError(String(change satisfies never));
  }
}

const response = fc
  .tuple(fc.constantFrom(...valid), fc.array(mutation, { minLength: 0, maxLength: 3 }))
  .map(([text, changes]) => changes.reduce(mutate, text));

/** What becomes of the connection after it. Mostly it is closed: what is kept open may have to time out. */
const end = fc.constantFrom("close", "close", "reset", "keep" as const);

const boundMs = 20_000;
const timeouts = { connectMs: 5_000, headersMs: 100, idleMs: 100, totalMs: 2_000 };

test("any answers, broken as they may be", async () => {
  const codes = await documentedCodes();
  const fewAnswers = fc.array(fc.record({ bytes: response, end }), { minLength: 12, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fewAnswers, async (answers) => {
      const script = scriptOf(answers);
      const paths = answers.map((_, i) => `/${i}`);
      await expectNoLeaks(() =>
        timeout(boundMs, async () => {
          await using server = await openFaultServer(script);
          await using session = openSession({
            baseUrl: server.url,
            retry: false,
            timeout: timeouts,
            maxBodyBytes: 1_000,
          });
          const endings = await Promise.all(paths.map((path) => ask(session, path)));
          expect(endings.filter((ending) => !codes.has(ending))).toEqual([]);
          // Whatever the servers have said beyond their answers: nobody else has got it.
          const others = await Promise.all(paths.map(() => askFine(session)));
          expect(others).toEqual(paths.map(() => "fine"));
          expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
          await fetchAllOf(server, paths, codes);
        }),
      );
    }),
    { numRuns: 30, endOnFailure: true },
  );
});

/** Frames of an answer over HTTP/2: header blocks are written for HPACK by hand. */
const frames = fc.oneof(
  frame(frameTypes.headers, flags.endHeaders, fc.constantFrom("\x88", "\x88\x0f\x0d\x015", "\x8d", "\x48\x03103")),
  frame(frameTypes.headers, flags.endHeaders | flags.endStream, fc.constantFrom("\x88", "\x89")),
  frame(frameTypes.headers, 0, fc.constant("\x88")),
  frame(frameTypes.continuation, flags.endHeaders, fc.constantFrom("", "\x88", "\x00\x01a\x01b")),
  frame(frameTypes.data, 0, fc.constantFrom("hello", "")),
  frame(frameTypes.data, flags.endStream, fc.constantFrom("hello", "")),
  frame(frameTypes.data, flags.padded, fc.constantFrom("\x01hi\0", "\xff")),
  frame(frameTypes.resetStream, 0, fc.constantFrom("\0\0\0\0", "\0\0\0\x07", "\0\0\0\x08", "\0")),
  frame(frameTypes.settings, 0, fc.constantFrom("", "\0\x03\0\0\0\0", "\0\x04\x7f\xff\xff\xff", "\0")),
  frame(frameTypes.ping, 0, fc.constantFrom("12345678", "1")),
  frame(frameTypes.windowUpdate, 0, fc.constantFrom("\0\0\0\x01", "\x7f\xff\xff\xff", "\0\0\0\0")),
  frame(frameTypes.goAway, 0, fc.constantFrom("\0\0\0\0\0\0\0\0", "\0\0\0\x01\0\0\0\x0b")),
  frame(5, flags.endHeaders, fc.constant("\0\0\0\x02\x82")),
  frame(0x2a, 0xff, fc.string()),
);

type WriteFrame = (stream: number) => Buffer;

/** Of the stream that was asked on, mostly. */
function frame(type: number, flag: number, payload: fc.Arbitrary<string>): fc.Arbitrary<WriteFrame> {
  const on = fc.constantFrom("own", "own", "own", "connection", "other" as const);
  return fc.tuple(payload, on).map(([bytes, where]) => (own) => {
    return writeFrame(type, { own, connection: 0, other: own + 2 }[where], Buffer.from(bytes, "latin1"), flag);
  });
}

test("any frames of HTTP/2, in any order, broken as they may be", async () => {
  const codes = await documentedCodes();
  const changes = fc.array(mutation, { maxLength: 2 });
  const answer = fc.tuple(
    fc.array(frames, { minLength: 1, maxLength: 6 }),
    changes,
    fc.constantFrom("close", "reset", "keep" as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 6, maxLength: 6 }), async (answers) => {
      const played = answers.map(([all, mutations, then]): Fault => ({
        name: "frames",
        async play(wire) {
          const bytes = Buffer.concat(all.map((write) => write(wire.streamId))).toString("latin1");
          await wire.raw(Buffer.from(mutations.reduce(mutate, bytes), "latin1"));
          if (then === "keep") await sleep(Infinity);
          else await wire.end(then);
        },
      }));
      await expectNoLeaks(() =>
        timeout(boundMs, async () => {
          await using server = await openFaultServer(({ path }) => played[Number(path.slice(1))]!, { http2: true });
          const settings = {
            baseUrl: server.url,
            http2: true,
            retry: false,
            timeout: timeouts,
            maxBodyBytes: 1_000,
          } as const;
          await using session = openSession(settings);
          for (const i of answers.keys()) {
            const ending = await ask(session, `/${i}`);
            expect(codes.has(ending) ? undefined : ending).toBeUndefined();
          }
          expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
        }),
      );
    }),
    { numRuns: 30, endOnFailure: true },
  );
});

interface Answer {
  readonly bytes: string;
  readonly end: "close" | "reset" | "keep";
}

function scriptOf(answers: readonly Answer[]): FaultScript {
  const all = answers.map(({ bytes, end: then }) => faults.raw(Buffer.from(bytes, "latin1"), then));
  return ({ path }) => all[Number(path.slice(1))] ?? faults.ok("fine");
}

const answered = "answered";

/** Asks and reads. Redirects are not followed: they could lead anywhere. */
async function ask(session: Session, path: string): Promise<string> {
  try {
    const { bytes } = { bytes: await (await session.get(path, { redirect: false })).bytes() };
    expect(bytes.length).toBeLessThanOrEqual(1_000);
    return answered;
  } catch (error) {
    if (error instanceof HttpError) return error.code;
    throw error;
  }
}

/** A connection may be lost to what came before; that is said, and made up for by asking again. */
async function askFine(session: Session): Promise<string> {
  const again = { attempts: 5, backoff: () => 0 };
  return (await session.get("/fine", { retry: again })).text();
}

async function fetchAllOf(server: FaultServer, paths: readonly string[], codes: ReadonlySet<string>): Promise<void> {
  const requests = [...paths, "/fine"].map((path) => server.url + path);
  const ids = new Set<string | number>();
  const limits = { timeoutMs: 100, maxBodyBytes: 1_000, retry: { attempts: 1 } };
  for await (const { id, status, error } of fetchAll(requests, limits)) {
    ids.add(id);
    const isKnown =
      error === undefined ? status >= 200 && status <= 999 : codes.has(error.code) || /^E[A-Z]+$/.test(error.code);
    expect(isKnown ? undefined : error).toBeUndefined();
  }
  expect(ids.size).toBe(requests.length);
}

/** The codes of HTTP in docs/errors.md. */
async function documentedCodes(): Promise<ReadonlySet<string>> {
  const text = await readFile(join(root, "docs/errors.md"), "utf8");
  return new Set([answered, ...[...text.matchAll(/^\| `(HTTP_[A-Z_]+)`/gm)].map((match) => match[1]!)]);
}
