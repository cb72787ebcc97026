/** Heads that no client should take, and what is no HTTP at all. */
import { sleep } from "../../core/index.ts";
import { answer, makeFault } from "./fault-answers.ts";
import type { Fault } from "./fault-script.ts";

/** What becomes of a connection. */
export type FaultThen = "keep" | "close" | "reset";

/** Faults of what comes before the body. */
export interface HeadFaults {
  /** Sends bytes as they are, by default something that is no HTTP, and ends the connection or keeps it. */
  raw(bytes?: string | Uint8Array, then?: FaultThen): Fault;
  /** Sends headers and never comes to an end, with a pause between them. */
  endlessHeaders(everyMs?: number): Fault;
  /** Answers with a header of so many bytes. */
  largeHeader(bytes: number): Fault;
  /** Answers with so many headers. */
  manyHeaders(count: number): Fault;
  /** Answers with a status line that is none, or not as it should be. HTTP/1 only. */
  badStatusLine(line?: string): Fault;
  /**
   * Answers with a line among the headers that is none: without a colon, with a NUL, or continued from the one before.
   * HTTP/1 only.
   */
  badHeader(line?: string): Fault;
}

export const headFaults: HeadFaults = {
  raw: (bytes = "220 mail.example.com ESMTP\r\n", then = "close") =>
    makeFault("raw", async (wire) => {
      await wire.raw(bytes);
      if (then !== "keep") await wire.end(then);
    }),
  endlessHeaders: (everyMs = 0) =>
    makeFault("endless headers", async (wire) => {
      await wire.raw("HTTP/1.1 200 OK\r\n");
      for (let count = 1; ; count++) {
        await wire.raw(`x-header-${count}: ${"x".repeat(100)}\r\n`);
        await sleep(everyMs);
      }
    }),
  largeHeader: (bytes) =>
    makeFault("large header", (wire) => answer(wire, { headers: { "x-large": "x".repeat(bytes) }, body: "ok" })),
  manyHeaders: (count) =>
    makeFault("many headers", (wire) => {
      const headers = Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-header-${index + 1}`, "x"]));
      return answer(wire, { headers, body: "ok" });
    }),
  badStatusLine: (line = "HTTP/1.1 abc") =>
    makeFault("bad status line", (wire) => wire.raw(`${line}\r\ncontent-length: 2\r\n\r\nok`)),
  badHeader: (line = "a header without its colon") =>
    makeFault("bad header", (wire) =>
      wire.raw(`HTTP/1.1 200 OK\r\nx-header: x\r\n${line}\r\ncontent-length: 2\r\n\r\nok`),
    ),
};
