import type { ScopeNode } from "../../core/index.ts";
import type { WireHeaders } from "../undici.ts";
import { Exchange, type Order } from "./exchange.ts";
import type { Redirect } from "./redirect.ts";
import type { Transport } from "./transport.ts";

/** A response of which all has come. */
export interface WholeResponse {
  readonly status: number;
  /** Names in lower case; an array where a header came several times. */
  readonly headers: WireHeaders;
  /** In the pieces in which it came; none if it was not to be kept. */
  readonly chunks: readonly Buffer[];
  /** The length of the body, decompressed where that was asked for. */
  readonly bodyBytes: number;
  /** From leaving the queue to the headers, connecting included, in milliseconds. */
  readonly firstByteMs: number;
  /** From leaving the queue to the last byte, in milliseconds. */
  readonly totalMs: number;
  /** The answers that led to it; undefined if there were none. Then the times are those of the last request. */
  readonly redirects?: readonly Redirect[];
  /** Where it was found in the end, if it was redirected. */
  readonly url?: string;
}

/** A request whose caller waits for all of the response. */
export class WholeExchange extends Exchange<WholeResponse> {
  readonly #keepsBody: boolean;
  readonly #chunks: Buffer[] = [];
  #decodedBytes = 0;
  #firstByteMs = 0;

  constructor(scope: ScopeNode, transport: Transport, order: Order, keepsBody: boolean) {
    super(scope, transport, order);
    this.#keepsBody = keepsBody;
  }

  protected override headersCame(): void {
    const nowMs = this.clock.now();
    this.#firstByteMs = nowMs - this.startedMs;
    this.startPhase("idle", nowMs);
  }

  /** Nobody sees its pieces. */
  protected override get isBodyAtOnce(): boolean {
    return true;
  }

  override decoded(chunk: Buffer): void {
    this.#decodedBytes += chunk.length;
    if (this.#keepsBody) this.#chunks.push(chunk);
  }

  override decodedAll(): void {
    this.resolve({
      status: this.status,
      headers: this.headers,
      chunks: this.#chunks,
      bodyBytes: this.#decodedBytes,
      firstByteMs: this.#firstByteMs,
      totalMs: this.clock.now() - this.startedMs,
    });
  }

  protected override failed(error: unknown): void {
    this.reject(error);
  }
}
