import { randomBytes } from "node:crypto";
import { effectiveDeadline, now } from "../../core/index.ts";
import { wrong } from "../request/check.ts";
import type { Order } from "../wire/order.ts";
import { type HeaderList, mergeHeaders, withDefault } from "../request/request-headers.ts";

/** What holds a `traceparent`: a `ContextVar` of strings, or anything with its `get`. */
export interface TraceSource {
  /** The `traceparent` of what runs now; undefined if there is none. Must not throw. */
  get(): string | undefined;
}

/** What goes along from the caller to the server. */
export interface Propagation {
  /** Name of the header that the rest of the time goes in. */
  readonly deadlineHeader: string | undefined;
  readonly trace: TraceSource | undefined;
}

const defaultHeader = "request-timeout-ms";

/** @throws {TypeError} an option is wrong */
export function readPropagation(options: {
  readonly propagateDeadline?: boolean | string;
  readonly propagateTrace?: TraceSource;
}): Propagation | undefined {
  const { propagateDeadline = false, propagateTrace: trace } = options;
  if (typeof propagateDeadline !== "boolean" && typeof propagateDeadline !== "string") {
    throw new TypeError(wrong("propagateDeadline", "a boolean or the name of a header", propagateDeadline));
  }
  if (trace !== undefined && typeof (trace as { get?: unknown } | null)?.get !== "function") {
    throw new TypeError(wrong("propagateTrace", "a ContextVar", trace));
  }
  if (propagateDeadline === false && trace === undefined) return undefined;
  const name = propagateDeadline === true ? defaultHeader : propagateDeadline || undefined;
  // The name is checked as those of other headers are.
  return { deadlineHeader: name && mergeHeaders([], { [name]: "0" })[0], trace };
}

/** The headers of `order` with what goes along. To be called in the context of the request, when it goes out. */
export function propagate({ wire, timeouts }: Order, { deadlineHeader, trace }: Propagation): HeaderList {
  let { headers } = wire as { headers: HeaderList };
  const parent = trace?.get();
  const own = parent === undefined ? undefined : childOf(parent);
  if (own !== undefined) headers = withDefault(headers, "traceparent", own);
  if (deadlineHeader === undefined) return headers;
  const leftMs = Math.min(effectiveDeadline() - now(), timeouts.totalMs);
  return leftMs === Infinity ? headers : withDefault(headers, deadlineHeader, String(Math.max(0, Math.floor(leftMs))));
}

/** version, trace id, span id, flags; of later versions there may be more. */
const traceparent = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(?:-.*)?$/;

/**
 * The same trace with a new span id, as W3C Trace Context wants it for each request.
 *
 * @returns undefined if `parent` is no traceparent: then the trace ends here
 */
export function childOf(parent: string): string | undefined {
  const [, traceId, flags] = traceparent.exec(parent) ?? [];
  return traceId === undefined ? undefined : `00-${traceId}-${spanId()}-${flags}`;
}

function spanId(): string {
  const id = randomBytes(8).toString("hex");
  return id === "0000000000000000" ? spanId() : id;
}
