import type { RequestName } from "../errors.ts";
import type { WireRequest } from "../undici.ts";
import type { Recorder } from "../attempts/recorder.ts";
import type { HeaderList } from "../request/request-headers.ts";
import type { PartialResponse, Resumed } from "../attempts/resume.ts";
import type { Rules } from "../attempts/rules.ts";
import type { Timeouts } from "./timeouts.ts";

/** What is to be sent, and how long it may take. */
export interface Order {
  readonly wire: WireRequest;
  readonly origin: string;
  readonly timeouts: Timeouts;
  /** The longest body to accept, on the wire and decompressed. */
  readonly maxBodyBytes: number;
  /** Whether a compressed body is decompressed. @default false */
  readonly decompress?: boolean;
  /** Gives the headers to send instead, when it has its slot. Called in the context that calls {@link Transport.send}. */
  readonly prepare?: (wire: WireRequest) => HeaderList | Promise<HeaderList>;
  /** What is done beyond sending it. Nothing if left out. */
  readonly rules?: Rules | undefined;
  /** Keeps the response while it comes. */
  readonly recorder?: Recorder;
  /** Whether a server has led it away from the origin that the caller named: credentials are for there alone. */
  readonly isAway?: boolean;
  /** What it continues, if it is to bring the rest of a body that is being read. */
  readonly resumed?: Resumed;
  /** What it continues, if it is to bring the rest of a whole response. */
  readonly partial?: PartialResponse;
}

/** What a request is called in errors. */
export function nameOf(order: Order): RequestName {
  return { method: order.wire.method, url: order.origin + pathname(order) };
}

/** `GET example.com/users`, without what may be secret. */
export function labelOf(order: Order): string {
  return `${order.wire.method} ${order.origin.slice(order.origin.indexOf("//") + 2)}${pathname(order)}`;
}

/** The whole URL with its query, which may hold secrets: for the caller's own code. */
export function hrefOf(order: Order): string {
  return order.origin + order.wire.path;
}

/** The path without the query, which may hold secrets. */
export function pathname({ wire: { path } }: Order): string {
  const mark = path.indexOf("?");
  return mark === -1 ? path : path.slice(0, mark);
}
