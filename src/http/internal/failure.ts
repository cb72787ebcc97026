import { type ConnectionPhase, ConnectionError, ProtocolError, type RequestName } from "../errors.ts";

/** How far the request had come. */
export interface FailurePlace {
  readonly phase: ConnectionPhase;
  readonly isReused: boolean;
}

/** What undici refuses to send. */
const unsendable: ReadonlySet<string> = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
  "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH",
]);

/** What to throw for an error that undici or the socket reports. */
export function failureOf(request: RequestName, place: FailurePlace, error: Error): Error {
  const { code = "" } = error as { code?: string };
  if (unsendable.has(code)) {
    const why = `the request cannot be sent: ${error.message}`;
    return new TypeError(`${request.method} ${request.url}: ${why}`, { cause: error });
  }
  if (isNotHttp(code, error.message)) return new ProtocolError(request, error);
  return new ConnectionError(request, place.phase, place.isReused, error);
}

/** A response that ends too early is not among them: that is a connection that broke. */
function isNotHttp(code: string, message: string): boolean {
  if (code === "UND_ERR_HEADERS_OVERFLOW") return true;
  if (code === "UND_ERR_SOCKET") return message.startsWith("bad ");
  return code.startsWith("HPE_") && code !== "HPE_INVALID_EOF_STATE";
}
