import { sleep } from "../../core/index.ts";
import type { FaultRequest } from "./fault-request.ts";
import type { FaultEnding, FaultHead, FaultWire } from "./fault-script.ts";

/** The fault has ended its connection, and with it itself. */
export class AnswerEnded extends Error {
  constructor() {
    super("the fault has ended its connection, and cannot send on it any more");
  }
}

interface Cut {
  readonly where: "headers" | "body" | number;
  readonly how: FaultEnding;
}

/** What both versions of HTTP have in common: sending slowly, and ending in the middle. */
export abstract class OpenWire implements FaultWire {
  abstract readonly request: FaultRequest;
  abstract readonly streamId: number;
  /** Whether one can send; if not, whether a fault has ended it, or nobody is there to answer to. */
  abstract readonly state: "open" | "ended" | "gone";
  /** Rejects when nobody is there to answer to any more. */
  abstract readonly gone: Promise<never>;
  #pieceBytes = Infinity;
  #everyMs = 0;
  #cut: Cut | undefined;

  abstract received(): Promise<void>;
  abstract head(head: FaultHead): Promise<void>;
  abstract body(bytes: string | Uint8Array): Promise<void>;
  abstract finish(): Promise<void>;
  abstract raw(bytes: string | Uint8Array): Promise<void>;
  abstract end(how: FaultEnding): Promise<void>;
  abstract endOnNextRequest(how: FaultEnding): void;
  abstract resetStream(code: number): Promise<void>;
  /** Begins to read the body of the request. */
  abstract receive(): void;
  /** Does not read the body of the request. */
  abstract leaveUnread(): void;
  /** Gives it to the client. */
  protected abstract send(bytes: Uint8Array, part: "headers" | "body"): Promise<void>;

  slow(pieceBytes: number, everyMs: number): void {
    this.#pieceBytes = pieceBytes;
    this.#everyMs = everyMs;
  }

  cutIn(where: "headers" | "body" | number, how: FaultEnding): void {
    this.#cut = { where, how };
  }

  /** Sends as slowly as was asked for, and no further than to the cut. */
  protected async write(
    bytes: Uint8Array,
    part: "headers" | "body",
    pieceBytes: number = this.#pieceBytes,
  ): Promise<void> {
    if (this.state === "ended") throw new AnswerEnded();
    const cut = this.#cutWithin(bytes, part);
    const sent = cut === undefined ? bytes : bytes.subarray(0, cut.at);
    for (let at = 0; at < sent.length; at += pieceBytes) {
      if (this.#everyMs > 0) await sleep(this.#everyMs);
      await this.send(sent.subarray(at, at + pieceBytes), part);
    }
    if (cut === undefined) return;
    await this.end(cut.how);
    throw new AnswerEnded();
  }

  #cutWithin(bytes: Uint8Array, part: "headers" | "body"): { at: number; how: FaultEnding } | undefined {
    if (this.#cut === undefined) return undefined;
    const { where, how } = this.#cut;
    if (where === part) return { at: bytes.length >> 1, how };
    if (typeof where === "string") return undefined;
    if (where <= bytes.length) return { at: where, how };
    this.#cut = { where: where - bytes.length, how };
    return undefined;
  }
}

/** The headers of an answer one by one. */
export function listHeaders(headers: FaultHead["headers"] = {}): (readonly [name: string, value: string])[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const values = typeof value === "object" ? value : [value];
    return values.map((each) => [name, `${each}`] as const);
  });
}

/** A fault of HTTP/2 is to answer a request of HTTP/1. */
export function notHttp2(): TypeError {
  return new TypeError("This fault is of HTTP/2, and the request came by HTTP/1: open the server with `http2: true`");
}

/** Text as UTF-8. */
export function toBytes(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === "string" ? Buffer.from(bytes) : bytes;
}
