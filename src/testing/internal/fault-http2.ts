/** What only a peer of HTTP/2 can do. */
import { around, makeFault } from "./fault-answers.ts";
import { frameTypes, words, writeFrame } from "./fault-frames.ts";
import type { Fault, FaultWire } from "./fault-script.ts";
import { notHttp2 } from "./fault-wire.ts";

/** Faults of HTTP/2. Codes are those of RFC 9113, section 7. */
export interface Http2Faults {
  /**
   * Sends a GOAWAY and answers no more, without waiting for the body of the request: it was not processed, and the
   * client may send it elsewhere.
   *
   * With `then` this request is the last that is answered, by what `then` does. The connection ends after it.
   */
  goAway(then?: Fault, code?: number): Fault;
  /** Ends the stream with RST_STREAM, by default INTERNAL_ERROR. */
  resetStream(code?: number): Fault;
  /** Ends the stream with REFUSED_STREAM, without waiting for the body of the request: it was not processed. */
  refuseStream(): Fault;
}

const internalError = 2;
const refusedStream = 7;

export const http2Faults: Http2Faults = {
  goAway: (then, code = 0) => {
    const goAway = async (wire: FaultWire): Promise<void> => {
      if (wire.streamId === 0) throw notHttp2();
      // Streams of clients have odd numbers.
      const lastAnswered = then === undefined ? Math.max(0, wire.streamId - 2) : wire.streamId;
      await wire.raw(writeFrame(frameTypes.goAway, 0, words(lastAnswered, code)));
      await then?.play(wire);
      await wire.end("close");
    };
    return then === undefined ? makeFault("go away", goAway, "meanwhile") : around("go away", then, goAway);
  },
  resetStream: (code = internalError) => makeFault("reset stream", (wire) => wire.resetStream(code)),
  refuseStream: () => makeFault("refuse stream", (wire) => wire.resetStream(refusedStream), "meanwhile"),
};
