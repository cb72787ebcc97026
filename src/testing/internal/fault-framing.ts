/** Lengths and chunks that are wrong. */
import { answer, makeFault } from "./fault-answers.ts";
import type { Fault, FaultEnding } from "./fault-script.ts";
import { toBytes } from "./fault-wire.ts";

/** Settings of a body that is too short. */
export interface FaultShortBodyOptions {
  /** How many bytes are promised and not sent. @default 1 */
  readonly missingBytes?: number;
  /** How the connection ends. @default "close" */
  readonly how?: FaultEnding;
}

/** Faults of how HTTP/1 says where a body ends. */
export interface FramingFaults {
  /** Promises more bytes than it sends, and ends the connection. */
  shortBody(body?: string | Uint8Array, options?: FaultShortBodyOptions): Fault;
  /** Sends more than it promised, and keeps the connection. */
  longBody(body?: string | Uint8Array, extra?: string | Uint8Array): Fault;
  /** Answers with a body where there is none: with 204 or 304, or to HEAD with any status. Keeps the connection. */
  unwantedBody(status?: number, body?: string | Uint8Array): Fault;
  /** Sends a Content-Length that is none, such as `-1` or `5, 6`. */
  badLength(value?: string, body?: string | Uint8Array): Fault;
  /** Says where the body ends twice, and not the same: by two lengths, or by a length and by chunks. */
  twoLengths(kind?: "lengths" | "length and chunks", body?: string | Uint8Array): Fault;
  /** Sends a chunk, and then a line that is no size of a chunk. */
  badChunkSize(line?: string, body?: string | Uint8Array): Fault;
  /** Sends a chunk that is longer than its size. */
  longChunk(body?: string | Uint8Array): Fault;
  /** Sends chunks without the last one, and ends the connection. */
  unendedChunks(body?: string | Uint8Array, how?: FaultEnding): Fault;
}

const text = "hello";

export const framingFaults: FramingFaults = {
  shortBody: (body = text, { missingBytes = 1, how = "close" } = {}) =>
    makeFault("short body", async (wire) => {
      const bytes = toBytes(body);
      await wire.head({ headers: { "content-length": bytes.length + missingBytes } });
      await wire.body(bytes);
      await wire.end(how);
    }),
  longBody: (body = text, extra = " and more") =>
    makeFault("long body", async (wire) => {
      await answer(wire, { body });
      await wire.raw(extra);
    }),
  unwantedBody: (status = 204, body = text) =>
    makeFault("unwanted body", async (wire) => {
      const bytes = toBytes(body);
      await wire.head({ status, headers: { "content-length": bytes.length } });
      await wire.body(bytes);
      await wire.finish();
    }),
  badLength: (value = "-1", body = text) =>
    makeFault("bad length", (wire) => answer(wire, { headers: { "content-length": value }, body })),
  twoLengths: (kind = "lengths", body = text) =>
    makeFault(`two ${kind}`, (wire) => {
      const length = toBytes(body).length;
      if (kind === "lengths")
        return answer(wire, { headers: { "content-length": [`${length}`, `${length + 1}`] }, body });
      return answer(wire, { headers: { "content-length": length + 1 }, body, framing: "chunked" });
    }),
  badChunkSize: (line = "five", body = text) =>
    makeFault("bad chunk size", async (wire) => {
      await wire.head(chunked);
      await wire.body(body);
      await wire.raw(`${line}\r\n`);
      await wire.raw(body);
      await wire.finish();
    }),
  longChunk: (body = text) =>
    makeFault("long chunk", async (wire) => {
      const bytes = toBytes(body);
      await wire.head(chunked);
      await wire.raw(`${(bytes.length - 1).toString(16)}\r\n`);
      await wire.raw(bytes);
      await wire.raw("\r\n");
      await wire.finish();
    }),
  unendedChunks: (body = text, how = "close") =>
    makeFault("unended chunks", async (wire) => {
      await wire.head(chunked);
      await wire.body(body);
      await wire.end(how);
    }),
};

const chunked = { headers: { "transfer-encoding": "chunked" }, framing: "chunked" } as const;
