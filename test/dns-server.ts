/** A DNS server for tests: real datagrams, and answers that the test chooses. */
import { type RemoteInfo, type Socket, createSocket } from "node:dgram";
import { isIP } from "node:net";

/** What is asked: a name, and for which kind of address. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: "A" | "AAAA";
}

/** Addresses of either kind, of which those asked for are sent; a code of failure; or no answer at all. */
export type DnsReply = { readonly addresses: readonly string[]; readonly ttl?: number } | "NXDOMAIN" | "silence";

const codes = { ok: 0, NXDOMAIN: 3 };

/** A DNS server on a port of its own, which is gone at the end of the block. */
export class DnsServer implements AsyncDisposable {
  /** For `dns.servers`. */
  readonly address: string;
  /** What was asked, in order: `A example.test`. */
  readonly questions: string[] = [];
  readonly #socket: Socket;

  constructor(socket: Socket, reply: (question: DnsQuestion) => DnsReply | Promise<DnsReply>) {
    this.#socket = socket;
    this.address = `127.0.0.1:${socket.address().port}`;
    socket.on("message", (query, from) => void this.#answer(query, from, reply));
  }

  async #answer(
    query: Buffer,
    from: RemoteInfo,
    reply: (question: DnsQuestion) => DnsReply | Promise<DnsReply>,
  ): Promise<void> {
    const question = readQuestion(query);
    this.questions.push(`${question.type} ${question.name}`);
    const chosen = await reply(question);
    if (chosen !== "silence") this.#socket.send(encode(query, question, chosen), from.port, from.address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }
}

/** Opens one that gives each question to `reply`. */
export async function dnsServer(reply: (question: DnsQuestion) => DnsReply | Promise<DnsReply>): Promise<DnsServer> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return new DnsServer(socket, reply);
}

function readQuestion(query: Buffer): DnsQuestion {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), type: query.readUInt16BE(at + 1) === 28 ? "AAAA" : "A" };
}

/** The question again, and an answer that points to its name. */
function encode(query: Buffer, { name, type }: DnsQuestion, reply: Exclude<DnsReply, "silence">): Buffer {
  const family = type === "A" ? 4 : 6;
  const failed = typeof reply === "string";
  const addresses = failed ? [] : reply.addresses.filter((address) => isIP(address) === family);
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | (failed ? codes[reply] : codes.ok), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  const question = query.subarray(12, 12 + name.length + 2 + 4);
  const records = addresses.map((address) => {
    const bytes = family === 4 ? fourBytes(address) : sixBytes(address);
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(family === 4 ? 1 : 28, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(failed ? 0 : (reply.ttl ?? 300), 6);
    record.writeUInt16BE(bytes.length, 10);
    return Buffer.concat([record, bytes]);
  });
  return Buffer.concat([head, question, ...records]);
}

function fourBytes(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}

function sixBytes(address: string): Buffer {
  const [before = "", after = ""] = address.split("::");
  const [first, last] = [readGroups(before), readGroups(after)];
  const groups = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

function readGroups(part: string): number[] {
  const groups = part.split(":").filter((group) => group !== "");
  return groups.map((group) => Number.parseInt(group, 16));
}
