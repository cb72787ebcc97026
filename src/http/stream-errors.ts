/** The errors of server-sent events and WebSockets. They stand in the tree of `errors.ts`. */
import { HttpError, type RequestName } from "./errors.ts";

/** The answer is no stream of server-sent events: it has another status than 200, or another content type. */
export class EventStreamError extends HttpError {
  override readonly name = "EventStreamError" as const;
  override readonly code = "HTTP_EVENT_STREAM" as const;
  /** What was answered. */
  override readonly status: number;
  /** As it came; undefined if none did. */
  readonly contentType: string | undefined;

  constructor(request: RequestName, status: number, contentType: string | undefined) {
    super(request, `the answer is no event stream (status ${status}, ${contentType ?? "no content-type"})`);
    this.status = status;
    this.contentType = contentType;
  }
}
