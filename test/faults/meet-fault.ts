/** Lets sessions and batches meet the faults of the table, over real sockets, and says what they saw. */
import { type FetchOutcome, fetchAll } from "../../src/fetch/index.ts";
import {
  HttpError,
  type HttpRetryOptions,
  type Session,
  type SessionOptions,
  openSession,
} from "../../src/http/index.ts";
import { type ConnectionScript, FaultServer, faults, openFaultDns, openFaultServer } from "../../src/testing/index.ts";
import { type Ending, type FaultRow, fetchEnding, isCounted } from "./fault-row.ts";

/** Always the fault, or once the fault and then answers that are fine. */
export type HowOften = "always" | "once";

export const fine = "fine";
/** Where the fault is; elsewhere all is fine. */
const at = "/fault";
/** A row that is late has to wait for it, so it is not long. Where all is well after that, it has to be in time then. */
const lateMs: Record<HowOften, number> = { always: 80, once: 300 };
/** What is not to be late has all the time of a busy machine. */
const patientMs = 10_000;

/** The other side of one test, and what clients need to know to reach it. */
export class Scene implements AsyncDisposable {
  readonly server: FaultServer;
  readonly url: string;
  readonly elsewhere: string;
  /** For sessions, and for the sessions of batches. */
  reach: Pick<SessionOptions, "tls" | "http2" | "dns" | "proxy">;
  readonly lateMs: number;
  readonly #isCounted: boolean;
  readonly #resources: AsyncDisposableStack;

  constructor(row: FaultRow, howOften: HowOften, server: FaultServer, resources: AsyncDisposableStack) {
    const origin = row.dns === undefined ? server.url : server.url.replace("127.0.0.1", "fault.test");
    this.lateMs = lateMs[howOften];
    this.#isCounted = isCounted(row);
    this.server = server;
    this.url = row.isProxy === true ? `https://target.test${at}` : origin + at;
    this.elsewhere = `${origin}/elsewhere`;
    this.reach = { tls: { ca: server.authority }, http2: row.server?.http2 ?? false };
    if (row.isProxy === true) this.reach = { ...this.reach, proxy: server.url };
    this.#resources = resources;
  }

  /** Requests that have come, or connections where none did; undefined where neither can. */
  get asked(): number | undefined {
    if (!this.#isCounted) return undefined;
    return Math.max(this.server.requests.filter(({ path }) => path === at).length, this.server.connections.length);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

/** @param isSecure - over TLS, where the row does not say */
export async function openScene(row: FaultRow, howOften: HowOften, isSecure = false): Promise<Scene> {
  await using resources = new AsyncDisposableStack();
  const { plays = faults.ok("hello"), server: options = {}, dns } = row;
  const isOnce = howOften === "once";
  const all = isOnce ? [plays, faults.ok(fine)] : plays;
  const script = row.isProxy === true ? all : { [at]: all, "*": faults.ok(fine) };
  const server = await openFaultServer(script, {
    ...options,
    ...(isSecure && { tls: "valid" }),
    ...(isOnce && options.connections !== undefined && { connections: once(options.connections) }),
  });
  resources.use(server);
  if (row.isDown === true) await server[Symbol.asyncDispose]();
  const names = dns && (await openFaultDns({ "*": isOnce ? [dns, { addresses: ["127.0.0.1"] }] : dns }));
  if (names !== undefined) resources.use(names);
  const scene = new Scene(row, howOften, server, resources.move());
  if (names !== undefined) scene.reach = { ...scene.reach, dns: { servers: [names.address] } };
  return scene;
}

function once(connections: ConnectionScript): ConnectionScript {
  return typeof connections === "string" ? [connections, "serve"] : connections;
}

/** Waits as short as can be; those who ask DNS in vain are told the same for a tenth of a second. */
function waitMs({ dns }: FaultRow): number {
  return dns === undefined ? 0 : 110;
}

/** As sessions do by default, but for the waits. */
export function quickly(row: FaultRow): HttpRetryOptions {
  return { backoff: () => waitMs(row) };
}

/** The longest body that is taken. */
const maxBodyBytes = 1_000_000;

export function sessionFor(row: FaultRow, scene: Scene, options: SessionOptions): Session {
  const { code, phase } = row.ends;
  const timeouts = { connectMs: patientMs, headersMs: patientMs, idleMs: patientMs };
  const late = code === "HTTP_TIMEOUT" ? { [`${phase}Ms`]: scene.lateMs } : {};
  return openSession({ ...scene.reach, maxBodyBytes, timeout: { ...timeouts, ...late }, ...options });
}

/** Asks and reads. */
export async function ask(session: Session, { request = { method: "GET" } }: FaultRow, url: string): Promise<Seen> {
  let status: number | undefined;
  try {
    const { method, body } = request;
    const response = await session.request(method, url, body === undefined ? {} : { body });
    status = response.status;
    return { fails: "never", status, text: await response.text() };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const { code, phase, causeCode } = error as { code: string; phase?: string; causeCode?: string };
    return { fails: status === undefined ? "get" : "body", status: error.status, code, phase, causeCode };
  }
}

/** What was seen of an {@link Ending}. */
export type Seen = { readonly [K in keyof Omit<Ending, "isRetried">]: Ending[K] | undefined };

/** The same of the table. */
export function expected(ending: Ending): Partial<Seen> {
  return Object.fromEntries(Object.entries(ending).filter(([name]) => name !== "isRetried"));
}

/** Lets a batch of one request meet it. */
export async function fetchOne(
  row: FaultRow,
  scene: Scene,
  options: Pick<SessionOptions, "redirect" | "decompress"> = {},
): Promise<FetchOutcome> {
  const { request = { method: "GET" } } = row;
  const { code, fails } = fetchEnding(row);
  const isLate = code === "HTTP_TIMEOUT";
  const outcomes = fetchAll([{ url: scene.url, ...request }], {
    // Of a body that stops the headers have to come in time.
    timeoutMs: isLate ? (fails === "body" ? 500 : scene.lateMs) : patientMs,
    maxBodyBytes,
    retry: { attempts: 3, baseMs: waitMs(row), random: () => 1 },
    session: { ...scene.reach, ...options },
  });
  for await (const outcome of outcomes) return outcome;
  throw new Error("the batch has no outcome");
}
