/** Messages of DNS, RFC 1035: one question with its answer. */
import { isIPv4 } from "node:net";

/** A question, with what it takes to answer it. */
export interface Question {
  /** In small letters, without a dot at the end. */
  readonly name: string;
  /** `A`, `AAAA`, or another by its number. */
  readonly type: string;
  readonly id: number;
  /** As it came: it is repeated in the answer. */
  readonly bytes: Buffer;
}

const headBytes = 12;
const types = new Map([
  [1, "A"],
  [28, "AAAA"],
]);

/** @returns undefined if it is no question */
export function readQuestion(message: Buffer): Question | undefined {
  // Neither an answer, nor something without a question.
  if (message.length < headBytes || message[2]! >= 0x80 || message.readUInt16BE(4) === 0) return undefined;
  const labels: string[] = [];
  let at = headBytes;
  for (let length = message[at]; length !== 0; length = message[at]) {
    // More than 63 would be a pointer to a name before, of which there is none.
    if (length === undefined || length > 63) return undefined;
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5; // The end of the name, the type and the class.
  if (end > message.length) return undefined;
  const type = message.readUInt16BE(at + 1);
  return {
    id: message.readUInt16BE(0),
    name: labels.join(".").toLowerCase(),
    type: types.get(type) ?? `${type}`,
    bytes: message.subarray(headBytes, end),
  };
}

/** What is answered to a question. */
export interface DnsReply {
  readonly code: number;
  readonly isTruncated: boolean;
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

/** Of the addresses, only those of the kind that was asked for. */
export function writeReply(question: Question, reply: DnsReply): Buffer {
  const records = reply.addresses
    .filter((address) => (isIPv4(address) ? "A" : "AAAA") === question.type)
    .map((address) => writeRecord(addressBytes(address), reply.ttlSeconds));
  const head = Buffer.alloc(headBytes);
  head.writeUInt16BE(question.id, 0);
  // A response, recursion desired and available.
  head.writeUInt16BE(0x8180 | (reply.isTruncated ? 0x0200 : 0) | reply.code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question.bytes, ...records]);
}

function writeRecord(address: Buffer, ttlSeconds: number): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt16BE(0xc000 + headBytes, 0); // The name of the question, which begins there.
  head.writeUInt16BE(address.length === 4 ? 1 : 28, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(address.length, 10);
  return Buffer.concat([head, address]);
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const [before = "", after] = address.split("::");
  const front = groupsOf(before);
  const back = after === undefined ? [] : groupsOf(after);
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => 0);
  return Buffer.from([...front, ...zeros, ...back].flatMap((group) => [group >> 8, group & 0xff]));
}

/** The groups of a part of an IPv6 address, of which the last two may be written as an IPv4 address. */
function groupsOf(part: string): number[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
