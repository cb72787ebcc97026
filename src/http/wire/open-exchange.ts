import type { ScopeNode } from "../../core/index.ts";
import { Exchange } from "./exchange.ts";
import { type Order, hrefOf } from "./order.ts";
import { type Continuation, restAfter } from "../attempts/continuation.ts";
import { type BodySource, IncomingBody } from "../answer/incoming-body.ts";
import { isResumable } from "../attempts/resume.ts";
import type { HttpResponse } from "../response.ts";
import type { Transport } from "./transport.ts";

/** Who is told of the exchanges that are made for a request: one for each attempt. */
export interface ExchangeWatcher {
  /** One is about to be made. What this throws is thrown instead. */
  making(): void;
  made(exchange: OpenExchange<HttpResponse>): void;
}

/** `make`, watched. */
export function watched(
  make: (...its: ExchangeParts) => OpenExchange<HttpResponse>,
  watcher: ExchangeWatcher,
): (...its: ExchangeParts) => OpenExchange<HttpResponse> {
  return (...its) => {
    watcher.making();
    const exchange = make(...its);
    watcher.made(exchange);
    return exchange;
  };
}

type ExchangeParts = [scope: ScopeNode, transport: Transport, order: Order];

/** A request whose caller gets the response as soon as its headers are there, and reads the body later. */
export class OpenExchange<Response> extends Exchange<Response> implements BodySource {
  readonly body: IncomingBody = new IncomingBody(this);
  readonly #present: (exchange: OpenExchange<Response>, scope: ScopeNode) => Response;

  /** @param present - makes of it what the caller gets */
  constructor(
    scope: ScopeNode,
    transport: Transport,
    order: Order,
    present: (exchange: OpenExchange<Response>, scope: ScopeNode) => Response,
  ) {
    super(scope, transport, order);
    this.#present = present;
  }

  /** The URL, with its query and without user and password. */
  get href(): string {
    return hrefOf(this.order);
  }

  override get isUnread(): boolean {
    return this.state === "body" && this.body.isUnread;
  }

  get bytesLeft(): number | undefined {
    const length = this.headers["content-length"];
    return length === undefined ? undefined : Number(length) - this.bodyBytes;
  }

  /** Nothing more is wanted for now: in the end, the server is made to wait. */
  pause(): void {
    if (this.decoder === undefined) this.pauseWire();
    else this.decoder.pause();
  }

  resume(): void {
    if (this.decoder === undefined) this.resumeWire();
    else this.decoder.resume();
  }

  /** Nobody wants what is still to come, but the connection. */
  skip(): void {
    if (this.decoder === undefined) return;
    this.decoder.destroy();
    this.decoder = undefined;
    if (this.state === "over") this.body.complete();
    else this.resumeWire();
  }

  get isResumable(): boolean {
    return isResumable(this);
  }

  restAfter(error: unknown): (() => Promise<IncomingBody>) | undefined {
    return restAfter(this, this.transport, error, continuation);
  }

  protected override headersCame(): void {
    this.startPhase("idle", this.clock.now());
    this.resolve(this.#present(this, this.scope!));
  }

  override decoded(chunk: Buffer): void {
    this.recording?.push(chunk);
    this.body.push(chunk);
  }

  override decodedAll(): void {
    this.recording?.complete();
    this.body.complete();
  }

  protected override failed(error: unknown): void {
    if (this.isPending) this.reject(error);
    else this.body.fail(error);
  }
}

function continuation(...[scope, transport, order]: ExchangeParts): OpenExchange<Continuation> {
  return new OpenExchange(scope, transport, order, (exchange: OpenExchange<Continuation>, keeper) => {
    queueMicrotask(() => exchange.body.keepIn(keeper));
    return exchange;
  });
}
