/** Bodies that are long, slow, or never come to an end. */
import { expectInteger, expectMs, sleep } from "../../core/index.ts";
import { makeFault } from "./fault-answers.ts";
import { zeros } from "./fault-encodings.ts";
import type { Fault, FaultEnding } from "./fault-script.ts";
import { toBytes } from "./fault-wire.ts";

/** In which pieces something is sent. */
export interface FaultPace {
  /** How long each piece is. @default 1, or 16 KiB for what never ends */
  readonly pieceBytes?: number;
  /** A pause before each piece, in milliseconds. @default 1, or 0 for what never ends */
  readonly everyMs?: number;
}

/** One event of a stream of server-sent events, or a text that is sent as it is. */
export type FaultEvent =
  | string
  | {
      /** Its lines are sent as so many fields. */
      readonly data: string;
      /** Its kind. */
      readonly event?: string;
      /** What a client that comes again says it has seen last. */
      readonly id?: string;
      /** When it is to come again. */
      readonly retryMs?: number;
    };

/** Settings of a stream of server-sent events. */
export interface FaultEventsOptions {
  /** A pause before each event, in milliseconds. @default 0 */
  readonly everyMs?: number;
  /** What comes after the last: the end of the body, or of the connection, or nothing ever. @default "finish" */
  readonly end?: "finish" | "hang" | FaultEnding;
}

/** Faults of the body. */
export interface BodyFaults {
  /** Answers with so many bytes, which are zeros, and says before how many they are. Unless the framing is another. */
  largeBody(bytes: number, framing?: "length" | "chunked" | "close"): Fault;
  /** Answers with a body that never comes to an end, in pieces with a pause between them. */
  endlessBody(pace?: FaultPace): Fault;
  /** Sends the first half of the body, and then nothing ever. */
  stall(body: string | Uint8Array): Fault;
  /** Sends server-sent events, and breaks off if that is wanted. The next request may say which it has seen last. */
  events(events: readonly FaultEvent[], options?: FaultEventsOptions): Fault;
}

export const bodyFaults: BodyFaults = {
  largeBody: (bytes, framing = "length") =>
    makeFault("large body", async (wire) => {
      const headers = { length: { "content-length": bytes }, chunked, close: {} }[framing];
      await wire.head({ headers, framing });
      for (const block of zeros(bytes)) await wire.body(block);
      await wire.finish();
    }),
  endlessBody: ({ pieceBytes = 2 ** 14, everyMs = 0 } = {}) => {
    checkPace(pieceBytes, everyMs);
    return makeFault("endless body", async (wire) => {
      await wire.head({ headers: chunked, framing: "chunked" });
      const piece = new Uint8Array(pieceBytes);
      for (;;) {
        await wire.body(piece);
        await sleep(everyMs);
      }
    });
  },
  stall: (body) =>
    makeFault("stall", async (wire) => {
      const bytes = toBytes(body);
      await wire.head({ headers: { "content-length": bytes.length } });
      await wire.body(bytes.subarray(0, bytes.length >> 1));
      await sleep(Infinity);
    }),
  events: (events, { everyMs = 0, end = "finish" } = {}) =>
    makeFault("events", async (wire) => {
      await wire.head({ headers: { "content-type": "text/event-stream", ...chunked }, framing: "chunked" });
      for (const event of events) {
        await sleep(everyMs);
        await wire.body(textOf(event));
      }
      if (end === "finish") return wire.finish();
      if (end === "hang") return sleep(Infinity);
      return wire.end(end);
    }),
};

/** @throws {TypeError | RangeError} a piece has no bytes, or a pause no length */
export function checkPace(pieceBytes: number, everyMs: number): void {
  expectInteger("pieceBytes", pieceBytes, 1);
  expectMs("everyMs", everyMs, 0);
}

const chunked = { "transfer-encoding": "chunked" };

function textOf(event: FaultEvent): string {
  if (typeof event === "string") return event;
  const fields = [
    ...(event.event === undefined ? [] : [`event: ${event.event}`]),
    ...(event.id === undefined ? [] : [`id: ${event.id}`]),
    ...(event.retryMs === undefined ? [] : [`retry: ${event.retryMs}`]),
    ...event.data.split("\n").map((line) => `data: ${line}`),
  ];
  return `${fields.join("\n")}\n\n`;
}
