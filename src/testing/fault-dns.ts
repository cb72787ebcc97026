import { type RemoteInfo, type Socket, createSocket } from "node:dgram";
import { once } from "node:events";
import { isIP } from "node:net";
import { type ScopeNode, arrive, expectInteger, expectMs, realClock, refuse, sleep } from "../core/index.ts";
import { Berth } from "./internal/fault-berth.ts";
import { type Question, readQuestion, writeReply } from "./internal/fault-dns-message.ts";
import { ServerTree } from "./internal/fault-tree.ts";

/** How an answer of DNS goes: well, or why not. */
export type DnsCode = "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED";

const codes: Readonly<Record<DnsCode, number>> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
};

/** How a DNS server answers a question. */
export interface DnsAnswer {
  /** Those of the kind that is asked for are sent. @default none */
  readonly addresses?: readonly string[];
  /** Whether it goes well, or why not. @default "NOERROR" */
  readonly code?: DnsCode;
  /** How long the answer may be kept, in seconds. @default 0 */
  readonly ttlSeconds?: number;
  /** A pause before the answer, in milliseconds; with Infinity it never comes. @default 0 */
  readonly delayMs?: number;
  /** Say that the answer did not fit, and is to be asked for by TCP, where nobody listens. @default false */
  readonly isTruncated?: boolean;
  /** Sent in place of all that. */
  readonly bytes?: Uint8Array;
}

/** One answer to a question always; or a list: the first time the first, and the last stays. */
export type DnsSequence = DnsAnswer | readonly DnsAnswer[];

/**
 * What a DNS server answers: a table of names, of which `*` stands for all others, or whatever a function returns. What
 * no name stands for does not exist: NXDOMAIN.
 *
 * A client may ask for the addresses of both kinds of a name: lists are counted for each kind.
 */
export type DnsScript = Readonly<Record<string, DnsSequence>> | ((query: DnsQuery) => DnsAnswer);

/** A question that a DNS server has seen. */
export interface DnsQuery {
  /** In small letters, without a dot at the end. */
  readonly name: string;
  /** `A`, `AAAA`, or another by its number. */
  readonly type: string;
  /** Its number among all, from 1. */
  readonly number: number;
  /** How many times this has been asked, this time included. */
  readonly times: number;
  /** When it came, in milliseconds of the real clock: of `now()` outside virtual time. */
  readonly atMs: number;
}

/**
 * A DNS server on the loopback interface, by UDP alone, that answers what its script says. Made by {@link openFaultDns}.
 *
 * Its time is real. `await using`: disposal closes its socket. If the script has thrown, disposal throws the first such
 * error. With a scope that ends before, the server is closed as well.
 */
export class FaultDns implements AsyncDisposable {
  /** Where it listens, as `setServers` of a resolver takes it: `127.0.0.1:4000`. */
  readonly address: string;
  readonly #socket: Socket;
  readonly #tree: ServerTree;
  readonly #berth: Berth;
  readonly #pick: (query: DnsQuery) => DnsAnswer;
  readonly #queries: DnsQuery[] = [];
  readonly #times = new Map<string, number>();
  #failure: { readonly error: unknown } | undefined;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(scope: ScopeNode, socket: Socket, tree: ServerTree, pick: (query: DnsQuery) => DnsAnswer) {
    this.#socket = socket;
    this.#tree = tree;
    this.#pick = pick;
    this.address = `127.0.0.1:${socket.address().port}`;
    this.#berth = new Berth(scope, `fault DNS ${this.address}`, () => {
      // Nobody waits for it: what its script has done wrong is told to nobody.
      this[Symbol.asyncDispose]().catch(() => {});
    });
    socket.on("message", (message, from) => this.#came(message, from));
    socket.on("error", () => {}); // A client that has gone need not be told.
  }

  /** The questions that have come, in their order. */
  get queries(): readonly DnsQuery[] {
    return this.#queries;
  }

  /**
   * Closes the socket. Answers that are still to come do not.
   *
   * Cancel: waits all the same; it takes no time.
   *
   * @throws the first error of the script
   */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#berth.leave();
    await this.#tree.close();
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #came(message: Buffer, from: RemoteInfo): void {
    const question = readQuestion(message);
    if (question === undefined || this.#closing !== undefined) return;
    const { name, type } = question;
    const times = (this.#times.get(`${type} ${name}`) ?? 0) + 1;
    this.#times.set(`${type} ${name}`, times);
    const query = { number: this.#queries.length + 1, name, type, times, atMs: realClock.now() };
    this.#queries.push(query);
    this.#tree.spawn(() => this.#answer(question, query, from), `${type} ${name}`);
  }

  async #answer(question: Question, query: DnsQuery, from: RemoteInfo): Promise<void> {
    try {
      const answer = checkAnswer(this.#pick(query));
      if (answer.delayMs !== undefined) await sleep(answer.delayMs);
      const reply = {
        code: codes[answer.code ?? "NOERROR"],
        isTruncated: answer.isTruncated ?? false,
        addresses: answer.addresses ?? [],
        ttlSeconds: answer.ttlSeconds ?? 0,
      };
      this.#socket.send(answer.bytes ?? writeReply(question, reply), from.port, from.address);
    } catch (error) {
      if (this.#closing === undefined) this.#failure ??= { error };
    }
  }
}

/**
 * Opens a DNS server that is slow, changes its mind, or fails, as it is told, on a free port of 127.0.0.1.
 *
 * Cancel: rejects at once in a scope that is cancelled; otherwise it opens, which takes no time.
 *
 * @throws {TypeError | RangeError} the script is wrong
 *
 * @example
 * ```ts
 * import { Resolver } from "node:dns/promises";
 * import { openFaultDns } from "taskwright/testing";
 *
 * await using dns = await openFaultDns({
 *   "api.test": [{ addresses: ["127.0.0.1"] }, { addresses: ["127.0.0.2"] }, { code: "SERVFAIL" }],
 * });
 * const resolver = new Resolver();
 * resolver.setServers([dns.address]);
 * console.log(await resolver.resolve4("api.test")); // => [ '127.0.0.1' ]
 * console.log(await resolver.resolve4("api.test")); // => [ '127.0.0.2' ]
 * console.log(dns.queries.length); // => 2
 * ```
 */
export async function openFaultDns(script: DnsScript): Promise<FaultDns> {
  const scope = arrive();
  if (scope.stop !== undefined) return refuse(scope);
  const pick = readScript(script);
  const tree = new ServerTree("fault DNS");
  const socket = await listen(tree);
  try {
    return new FaultDns(scope, socket, tree, pick);
  } catch (error) {
    // The scope has ended meanwhile: an await is missing.
    socket.close();
    await tree.close();
    throw error;
  }
}

async function listen(tree: ServerTree): Promise<Socket> {
  const socket = createSocket("udp4");
  // From within the tree: sockets keep the context they come from.
  tree.spawn(() => void socket.bind(0, "127.0.0.1"), "listen");
  try {
    await once(socket, "listening");
    return socket;
  } catch (error) {
    await tree.close();
    throw error;
  }
}

function readScript(script: DnsScript): (query: DnsQuery) => DnsAnswer {
  if (typeof script === "function") return script;
  if (typeof script !== "object" || script === null) {
    throw new TypeError(`Expected \`script\` to be a table of names or a function, got \`${String(script)}\``);
  }
  const table = new Map(
    Object.entries(script).map(([name, answers]) => [name.toLowerCase(), readSequence(name, answers)]),
  );
  return (query) => {
    const answers = table.get(query.name) ?? table.get("*") ?? [{ code: "NXDOMAIN" }];
    return answers[Math.min(query.times, answers.length) - 1]!;
  };
}

function readSequence(name: string, answers: DnsSequence): readonly DnsAnswer[] {
  const list: readonly DnsAnswer[] = Array.isArray(answers) ? answers : [answers as DnsAnswer];
  if (list.length === 0) throw new TypeError(`Expected \`${name}\` to have an answer in its list, got none`);
  return list.map(checkAnswer);
}

function checkAnswer(answer: DnsAnswer): DnsAnswer {
  if (typeof answer !== "object" || answer === null) {
    throw new TypeError(`Expected an answer of \`script\` to be an object, got \`${String(answer)}\``);
  }
  const wrong = answer.addresses?.find((address) => isIP(address) === 0);
  if (wrong !== undefined) throw new TypeError(`Expected \`addresses\` to be IP addresses, got \`${wrong}\``);
  if (answer.code !== undefined && !Object.hasOwn(codes, answer.code)) {
    throw new TypeError(`Expected \`code\` to be one of ${Object.keys(codes).join(", ")}, got \`${answer.code}\``);
  }
  expectMs("delayMs", answer.delayMs ?? 0, 0);
  expectInteger("ttlSeconds", answer.ttlSeconds ?? 0, 0);
  return answer;
}
