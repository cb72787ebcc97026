import type { FlowControl, WireHandler, WireHeaders } from "../undici.ts";
import { ProxyFailure } from "./proxy-failure.ts";

/** The handler of a request that a proxy passes on: what the proxy answers for itself is no response of the host. */
export class PassedOn implements WireHandler {
  readonly #handler: WireHandler;
  readonly #proxy: string;

  constructor(handler: WireHandler, proxy: string) {
    this.#handler = handler;
    this.#proxy = proxy;
  }

  onRequestStart(control: FlowControl): void {
    this.#handler.onRequestStart(control);
  }

  onResponseStart(control: FlowControl, status: number, headers: WireHeaders): void {
    if (status !== 407) this.#handler.onResponseStart(control, status, headers);
    else this.onResponseError(control, new ProxyFailure(this.#proxy, "asks for other credentials: 407", status));
  }

  onResponseData(control: FlowControl, chunk: Buffer): void {
    this.#handler.onResponseData(control, chunk);
  }

  onResponseEnd(control: FlowControl): void {
    this.#handler.onResponseEnd(control);
  }

  onResponseError(control: FlowControl | null, error: Error): void {
    this.#handler.onResponseError(control, error);
  }
}
