import { type ScopeNode, outside } from "../../core/index.ts";
import { Exchange, type Order } from "./exchange.ts";
import { type BodySource, IncomingBody } from "./incoming-body.ts";
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

  override get isUnread(): boolean {
    return this.state === "body" && this.body.isUnread;
  }

  get bytesLeft(): number | undefined {
    const length = this.headers["content-length"];
    return length === undefined ? undefined : Number(length) - this.bodyBytes;
  }

  /** Makes the server wait. Meanwhile its silence is no fault of its own. */
  pause(): void {
    this.stopPhase();
    this.control?.pause();
  }

  resume(): void {
    if (this.state !== "body") return;
    this.startPhase("idle", this.clock.now());
    const { control } = this;
    // Reading on is the work of the socket, not of the task that happens to want more.
    outside(() => control?.resume());
  }

  protected override headersCame(): void {
    this.startPhase("idle", this.clock.now());
    this.resolve(this.#present(this, this.scope!));
  }

  protected override chunkCame(chunk: Buffer): void {
    this.startPhase("idle", this.clock.now());
    this.body.push(chunk);
  }

  protected override ended(): void {
    this.body.complete();
  }

  protected override failed(error: unknown): void {
    if (this.isPending) this.reject(error);
    else this.body.fail(error);
  }
}
