/** Many requests to many servers that misbehave at random: each ends once, with its own answer, and nothing is left. */
import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { type FetchRequest, fetchAll } from "../../src/fetch/index.ts";
import { HttpError, type HttpResponse, type Session, openSession } from "../../src/http/index.ts";
import { taskGroup, timeout } from "../../src/index.ts";
import {
  type Fault,
  type FaultRequest,
  type FaultServer,
  expectNoLeaks,
  faults,
  openFaultServer,
} from "../../src/testing/index.ts";
import { Random } from "../../src/testing/internal/random.ts";

const hosts = 8;
const boundMs = 25_000;
const seed = Number(process.env["PROPERTY_SEED"] ?? 20_261_121);

/** The good answer: what was asked. Whoever gets another's would see. */
const answer = ({ method, target }: FaultRequest): string => `${method} ${target}`;

const whole = (text: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;

/** What may go wrong with `request`. Those that are not over at once are few. */
const wrongs: readonly ((request: FaultRequest) => Fault)[] = [
  () => faults.reset(),
  () => faults.close(),
  (request) => faults.cutIn("headers", faults.ok(answer(request))),
  (request) => faults.cutIn("body", faults.ok(answer(request))),
  (request) => faults.cutIn("body", faults.ok(answer(request), { framing: "chunked" }), "close"),
  (request) => faults.shortBody(answer(request)),
  (request) => faults.unendedChunks(answer(request)),
  (request) => faults.badChunkSize("nonsense", answer(request)),
  (request) => faults.twoLengths("lengths", answer(request)),
  () => faults.raw(),
  () => faults.largeHeader(20_000),
  () => faults.largeBody(200_000, "chunked"),
  () => faults.status(500),
  () => faults.busy(),
  () => faults.busy({ status: 429, retryAfter: 0 }),
  (request) => faults.slow(faults.ok(answer(request)), { pieceBytes: 20 }),
  (request) => faults.delayed(5, faults.ok(answer(request))),
  (request) => faults.thenEnd(faults.ok(answer(request))),
  (request) => faults.endOnNextRequest(faults.ok(answer(request)), "reset"),
  (request) => faults.early(faults.ok(answer(request))),
  // In one piece: nobody could tell what comes later from the answer to the next request.
  (request) => faults.raw(whole(answer(request)) + whole("another's"), "keep"),
  (request) => faults.stall(answer(request)),
  () => faults.hang(),
];

function openServers(): Promise<FaultServer[]> {
  return Promise.all(
    Array.from({ length: hosts }, (_, host) => {
      const random = new Random(seed + host);
      const rate = 0.1 + (0.2 * host) / (hosts - 1);
      return openFaultServer((request) => {
        if (random.fraction() >= rate) return faults.ok(answer(request));
        return wrongs[random.below(wrongs.length)]!(request);
      });
    }),
  );
}

/** What each is asked: every tenth by POST, which is not to be asked twice. */
function requestsTo(servers: readonly FaultServer[], count: number): FetchRequest[] {
  return Array.from({ length: count }, (_, id) => {
    const url = `${servers[id % hosts]!.url}/${id}`;
    return id % 10 === 0 ? { id, url, method: "POST", body: "x" } : { id, url, method: "GET" };
  });
}

/** How one request ended. */
interface End {
  readonly id: number;
  readonly status?: number;
  readonly text?: string;
  readonly code?: string;
}

async function bySession(asked: readonly FetchRequest[]): Promise<End[]> {
  const ends: End[] = [];
  const timeouts = { connectMs: 5_000, headersMs: 700, idleMs: 700 };
  await using session = openSession({
    limit: 100,
    limitPerHost: 20,
    timeout: timeouts,
    maxBodyBytes: 50_000,
    retry: { backoff: () => 2 },
  });
  await taskGroup((group) => {
    for (const request of asked) group.spawn(async () => void ends.push(await askOne(session, request)));
  });
  expect(session.statistics()).toMatchObject({ active: 0, waiting: 0 });
  return ends;
}

async function askOne(session: Session, { id, url, method, body }: FetchRequest): Promise<End> {
  const own = { id: Number(id) };
  let response: HttpResponse | undefined;
  try {
    response = await session.request(method!, url, body === undefined ? {} : { body: body as string });
    return { ...own, status: response.status, text: await response.text() };
  } catch (error) {
    if (error instanceof HttpError) return { ...own, code: (error as HttpError & { code: string }).code };
    throw error;
  }
}

async function byBatch(asked: readonly FetchRequest[]): Promise<End[]> {
  const ends: End[] = [];
  const options = { concurrency: 100, perHost: 20, timeoutMs: 700, maxBodyBytes: 50_000, retry: { baseMs: 2 } };
  for await (const outcome of fetchAll(asked, options)) {
    const id = Number(outcome.id);
    ends.push(
      outcome.error === undefined
        ? { id, status: outcome.status, text: outcome.text() }
        : { id, code: outcome.error.code },
    );
  }
  return ends;
}

function descriptors(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}

test.for([
  ["a session", bySession],
  ["a batch", byBatch],
] as const)("%s gets an end for each of many requests to hosts that misbehave", async ([, askAll]) => {
  const round = (count: number): Promise<void> =>
    expectNoLeaks(() =>
      timeout(boundMs, async () => {
        await using resources = new AsyncDisposableStack();
        const servers = (await openServers()).map((server) => resources.use(server));
        const ends = await askAll(requestsTo(servers, count));
        checkEnds(ends, count);
        checkServers(servers);
      }),
    );
  await round(500);
  gc!();
  const before = { heap: process.memoryUsage().heapUsed, descriptors: descriptors() };
  await round(2_000);
  gc!();
  expect(descriptors()).toBeLessThanOrEqual(before.descriptors + 2);
  expect(process.memoryUsage().heapUsed - before.heap).toBeLessThan(5_000_000);
});

function checkEnds(ends: readonly End[], count: number): void {
  expect(new Set(ends.map(({ id }) => id)).size).toBe(count);
  expect(ends).toHaveLength(count);
  const answered = ends.filter(({ status }) => status === 200);
  const wrong = answered.filter(({ id, text }) => text !== `${id % 10 === 0 ? "POST" : "GET"} /${id}`);
  expect(wrong).toEqual([]);
  // With three attempts at most, and a budget for these, most are answered.
  expect(answered.length).toBeGreaterThan(count / 2);
  const codes = new Set(ends.map(({ code }) => code).filter((code) => code !== undefined));
  expect(
    [...codes].filter(
      (code) => !/^(?:HTTP_(?:CONNECTION|TIMEOUT|PROTOCOL|BODY_TOO_LARGE)|ECONNRESET|EPIPE)$/.test(code),
    ),
  ).toEqual([]);
}

/** Faults after which a request has surely not been looked at, or asked for again by the server. */
const askedAgain = /^busy 429$|then reset on the next/;

function checkServers(servers: readonly FaultServer[]): void {
  const posts = servers.flatMap((server) => server.requests.filter(({ method }) => method === "POST"));
  const again = posts.filter(({ times }) => times > 1);
  const before = (target: string): string[] =>
    posts
      .filter((one) => one.target === target)
      .map(({ fault }) => fault ?? "")
      .slice(0, -1);
  expect(again.filter(({ target }) => !before(target).every((fault) => askedAgain.test(fault)))).toEqual([]);
}
