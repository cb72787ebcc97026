import type { StoredResponse } from "./cached.ts";
import { type Order, hrefOf, labelOf, nameOf } from "../wire/order.ts";
import { type BodySource, IncomingBody } from "../answer/incoming-body.ts";
import type { WireHeaders } from "../undici.ts";

/** Where a response out of the cache comes from, in place of a connection. */
export class StoredSource implements BodySource {
  readonly method: string;
  readonly url: string;
  readonly href: string;
  readonly label: string;
  readonly status: number;
  readonly headers: WireHeaders;
  readonly body: IncomingBody = new IncomingBody(this);
  readonly bytesLeft = 0;
  readonly isResumable = false;

  constructor(order: Order, { status, headers, body }: StoredResponse) {
    const { method, url } = nameOf(order);
    this.method = method;
    this.url = url;
    this.href = hrefOf(order);
    this.label = labelOf(order);
    this.status = status;
    this.headers = headers;
    if (body.length > 0) this.body.push(body);
    this.body.complete();
  }

  // Nobody has to wait, and there is nothing to be given up.
  pause(): void {}
  resume(): void {}
  skip(): void {}
  abandon(): void {}
  restAfter(): undefined {}
}
