/** Connections that end when they should not, or do not when they should; and answers that take their time. */
import { expectMs, sleep } from "../../core/index.ts";
import { around, makeFault } from "./fault-answers.ts";
import { type FaultPace, checkPace } from "./fault-bodies.ts";
import type { Fault, FaultEnding } from "./fault-script.ts";

/** Settings of the end of a connection. */
export interface FaultThenEndOptions {
  /** How long the connection is kept, in milliseconds. @default 0 */
  readonly afterMs?: number;
  /** By a FIN or an RST. @default "close" */
  readonly how?: FaultEnding;
}

/** Settings of what nobody has asked for. */
export interface FaultUnaskedOptions {
  /** What is sent. @default an answer of 408 */
  readonly bytes?: string | Uint8Array;
  /** How long after the answer, in milliseconds. @default 0 */
  readonly afterMs?: number;
}

/** Faults of time and of the connection. */
export interface EndingFaults {
  /** Never answers. */
  hang(): Fault;
  /** Waits, and then does what `then` does. */
  delayed(ms: number, then: Fault): Fault;
  /** Does what `then` does in small pieces with a pause before each: headers too, on HTTP/1. */
  slow(then: Fault, pace?: FaultPace): Fault;
  /** Ends the connection without an answer, by an RST. */
  reset(): Fault;
  /** Ends the connection without an answer, by a FIN. */
  close(): Fault;
  /**
   * Begins to do what `then` does, and ends the connection in the middle of its headers, in the middle of the first
   * piece of its body, or after so many bytes.
   */
  cutIn(where: "headers" | "body" | number, then: Fault, how?: FaultEnding): Fault;
  /** Does what `then` does, and ends the connection after that without having said so: at once, or in a while. */
  thenEnd(then: Fault, options?: FaultThenEndOptions): Fault;
  /**
   * Does what `then` does, and later sends what nobody has asked for, by default an answer of 408: what some servers say
   * before they close a connection that was idle for too long. HTTP/1 only.
   */
  unasked(then: Fault, options?: FaultUnaskedOptions): Fault;
  /**
   * Does what `then` does, and ends the connection just when the next request comes on it: the client could not know.
   * That request is not recorded.
   */
  endOnNextRequest(then: Fault, how?: FaultEnding): Fault;
}

export const endingFaults: EndingFaults = {
  hang: () => makeFault("hang", () => sleep(Infinity)),
  delayed: (ms, then) => {
    expectMs("ms", ms, 0);
    return around(`delayed ${then.name}`, then, async (wire) => {
      await sleep(ms);
      await then.play(wire);
    });
  },
  slow: (then, { pieceBytes = 1, everyMs = 1 } = {}) => {
    checkPace(pieceBytes, everyMs);
    return around(`slow ${then.name}`, then, (wire) => {
      wire.slow(pieceBytes, everyMs);
      return then.play(wire);
    });
  },
  reset: () => makeFault("reset", (wire) => wire.end("reset")),
  close: () => makeFault("close", (wire) => wire.end("close")),
  cutIn: (where, then, how = "reset") =>
    around(`${then.name}, cut in ${where}`, then, (wire) => {
      wire.cutIn(where, how);
      return then.play(wire);
    }),
  thenEnd: (then, { afterMs = 0, how = "close" } = {}) =>
    around(`${then.name}, then ${how}`, then, async (wire) => {
      await then.play(wire);
      await sleep(afterMs);
      await wire.end(how);
    }),
  unasked: (then, { bytes = requestTimeout, afterMs = 0 } = {}) => {
    expectMs("afterMs", afterMs, 0);
    return around(`${then.name}, then more`, then, async (wire) => {
      await then.play(wire);
      await sleep(afterMs);
      await wire.raw(bytes);
    });
  },
  endOnNextRequest: (then, how = "close") =>
    around(`${then.name}, then ${how} on the next`, then, async (wire) => {
      await then.play(wire);
      wire.endOnNextRequest(how);
    }),
};

const requestTimeout = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
