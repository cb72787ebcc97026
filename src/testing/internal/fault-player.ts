import { currentScope } from "../../core/index.ts";
import { notFound } from "./fault-answers.ts";
import { NotHttp, PeerGone } from "./fault-connection.ts";
import type { FaultRecord } from "./fault-record.ts";
import type { SeenRequest } from "./fault-request.ts";
import { type FaultPicker, isFault, wrong } from "./fault-script.ts";
import { AnswerEnded, type OpenWire } from "./fault-wire.ts";

/** Plays for each request the fault that the script picks. */
export class FaultPlayer {
  readonly record: FaultRecord;
  /** The first mistake of a script or a fault. */
  failure: { readonly error: unknown } | undefined;
  readonly #pick: FaultPicker;

  constructor(pick: FaultPicker, record: FaultRecord) {
    this.#pick = pick;
    this.record = record;
  }

  /**
   * Returns when the fault has been played, or nobody is there to answer to any more.
   *
   * @throws {NotHttp} the body of the request could not be read
   */
  async play(request: SeenRequest, wire: OpenWire): Promise<void> {
    try {
      // What a script or a fault waits for may be foreign, and never come.
      await Promise.race([this.#perform(request, wire), wire.gone]);
      this.record.requestEnded(request, "played");
    } catch (error) {
      const isOver = error instanceof AnswerEnded || error instanceof PeerGone || currentScope().stop !== undefined;
      this.record.requestEnded(request, isOver && wire.state === "ended" ? "played" : "cut");
      if (error instanceof NotHttp) throw error;
      if (isOver) return;
      this.failed(error);
      await wire.end("reset");
    }
  }

  /** A script or a fault has made a mistake. */
  failed(error: unknown): void {
    this.failure ??= { error };
  }

  async #perform(request: SeenRequest, wire: OpenWire): Promise<void> {
    const fault: unknown = (await this.#pick(request)) ?? notFound;
    if (!isFault(fault)) throw new TypeError(wrong("what the script returns", fault));
    request.fault = fault.name;
    await readOrNot(wire, fault.reads ?? "first");
    await fault.play(wire);
  }
}

async function readOrNot(wire: OpenWire, when: "first" | "meanwhile" | "never"): Promise<void> {
  switch (when) {
    case "first":
      return wire.received();
    case "meanwhile":
      return wire.receive();
    case "never":
      return wire.leaveUnread();
    default:
      throw new TypeError(
        `Expected \`reads\` of a fault to be "first", "meanwhile" or "never", got "${String(when satisfies never)}"`,
      );
  }
}
