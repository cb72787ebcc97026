import { type ConnectionPhase, ConnectionError, ProtocolError, type RequestName } from "../errors.ts";

/** How far the request had come. */
export interface FailurePlace {
  readonly phase: ConnectionPhase;
  readonly isReused: boolean;
  /** Whether the connection has answered a HEAD before. */
  readonly followsHead: boolean;
}

/** What came was no answer, but the body of the one before, to a HEAD. So the request can be sent again. */
export class BodyAfterHead extends Error {
  constructor(cause: Error) {
    super("the server had sent a body in answer to HEAD", { cause });
  }
}

/** A failure of ours on the way to a connection, before it is known whose request it fails. */
export abstract class ConnectFailure extends Error {
  abstract errorFor(request: RequestName): Error;
}

/** A failure of ours with what is to be sent, before it is known whose request it fails. */
export abstract class UploadFailure extends Error {
  abstract errorFor(request: RequestName): Error;
}

/** What undici refuses to send. */
const unsendable: ReadonlySet<string> = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
  "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH",
]);

/**
 * Takes off what parsers put on their errors: what came and was no HTTP. It may be headers, or the body of somebody, and as
 * long as it likes; and whoever logs an error logs its cause.
 */
export function withoutBytes(error: Error & { data?: unknown; rawPacket?: unknown }): Error {
  delete error.data;
  delete error.rawPacket;
  return error;
}

/** What to throw for an error that undici or the socket reports. */
export function failureOf(request: RequestName, place: FailurePlace, error: Error): Error {
  if (error instanceof ConnectFailure) return error.errorFor(request);
  withoutBytes(error);
  const { code = "" } = error as { code?: string };
  if (unsendable.has(code)) {
    const why = `the request cannot be sent: ${error.message}`;
    return new TypeError(`${request.method} ${request.url}: ${why}`, { cause: error });
  }
  if (isNotHttp(code, place, error)) {
    if (!place.followsHead || place.phase !== "request") return new ProtocolError(request, error);
    return new ConnectionError(request, "request", true, new BodyAfterHead(error));
  }
  return new ConnectionError(request, place.phase, place.isReused, error);
}

/** What to throw for what the source of a body has thrown: that is the caller's, as it is, unless it is one of ours. */
export function failureToSend(request: RequestName, error: unknown): unknown {
  return error instanceof UploadFailure ? error.errorFor(request) : error;
}

/** A response that ends too early is not among them: that is a connection that broke. */
function isNotHttp(code: string, { phase }: FailurePlace, { name, message }: Error): boolean {
  switch (code) {
    case "UND_ERR_HEADERS_OVERFLOW":
    case "ERR_HTTP2_ERROR": // frames that are none, or not allowed
    case "ERR_ASSERTION": // what undici holds for impossible, such as 101 where no upgrade was asked for
      return true;
    case "UND_ERR_RES_CONTENT_LENGTH_MISMATCH":
    case "HTTP2_PROTOCOL_ERROR": // one side says so of the other; which one cannot be told
      return phase !== "response";
    case "UND_ERR_SOCKET":
      return message.startsWith("bad ");
    default:
      // Told by the name: its code is missing in undici 8.12.
      return name === "HTTPParserError" && !message.includes("Invalid EOF state");
  }
}
