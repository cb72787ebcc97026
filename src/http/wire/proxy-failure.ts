import { ProxyError, type RequestName } from "../errors.ts";
import { ConnectFailure } from "./failure.ts";

/** What a connection fails with by the fault of a proxy. */
export class ProxyFailure extends ConnectFailure {
  readonly #proxy: string;
  readonly #status: number | undefined;

  /** @param proxy - without what may be secret */
  constructor(proxy: string, message: string, status?: number, cause?: Error) {
    super(message, cause === undefined ? undefined : { cause });
    this.#proxy = proxy;
    this.#status = status;
  }

  errorFor(request: RequestName): Error {
    return new ProxyError(request, this.#proxy, this.message, this.#status, this.cause as Error | undefined);
  }
}
