import { wrong } from "../request/check.ts";
import { type Order, hrefOf } from "../wire/order.ts";
import { type HeaderList, mergeHeaders } from "../request/request-headers.ts";

/** One attempt at a request, as hooks see it. */
export interface HookRequest {
  /** `GET` or another. */
  readonly method: string;
  /** With its query, without user and password. */
  readonly url: string;
  /** What is sent. `beforeRequest` may change them; credentials are among them. */
  readonly headers: Headers;
  /** Text or bytes; undefined if there is none, or if it goes in pieces. */
  readonly body: string | Uint8Array | undefined;
  /** Counted from 1, for each request anew. */
  readonly attempt: number;
}

/** What came, as hooks see it. Its body is the caller's. */
export interface ResponseHead {
  /** The status code: 200 or another. */
  readonly status: number;
  /** As they came. */
  readonly headers: Headers;
}

/** Why a request is sent again, and when. */
export interface HookRetry {
  /** `GET` or another. */
  readonly method: string;
  /** With its query, without user and password. */
  readonly url: string;
  /** Attempts made. */
  readonly attempt: number;
  /** What was answered; undefined if nothing was. */
  readonly status: number | undefined;
  /** Why nothing was answered. */
  readonly error: unknown;
  /** The wait before the next attempt, in milliseconds; the pause of the host, if that is what it waits for. */
  readonly delayMs: number;
}

/**
 * Functions that are called on the way of each request, in its scope: cancelled, they end with it. They may be async.
 * What they throw fails the request, as it is, and is not retried.
 */
export interface HttpHooks {
  /**
   * Called when an attempt has its slot, right before it goes out. Made for signing: it sees all headers, and may change
   * them. It must not make requests that need a slot of the same session, or they may wait for each other.
   */
  readonly beforeRequest?: (request: HookRequest) => void | PromiseLike<void>;
  /** Called when the headers of a response have come, of each attempt. */
  readonly afterResponse?: (response: ResponseHead, request: HookRequest) => void | PromiseLike<void>;
  /**
   * Called when an attempt has failed before its headers came, also one that is not the last, with what it failed with. Not
   * called for what a hook or `auth` has thrown, nor when it was cancelled. A body that breaks off is its reader's to tell.
   */
  readonly afterFailure?: (error: unknown, request: HookRequest) => void | PromiseLike<void>;
  /** Called before the wait, when a request is to be sent again. */
  readonly beforeRetry?: (retry: HookRetry) => void | PromiseLike<void>;
}

/** @throws {TypeError} one of them is no function */
export function readHooks(hooks: HttpHooks | undefined): HttpHooks | undefined {
  if (hooks === undefined) return undefined;
  if (typeof hooks !== "object" || hooks === null) throw new TypeError(wrong("hooks", "an object", hooks));
  for (const name of ["beforeRequest", "afterResponse", "afterFailure", "beforeRetry"] as const) {
    const hook = hooks[name];
    if (hook !== undefined && typeof hook !== "function")
      throw new TypeError(wrong(`hooks.${name}`, "a function", hook));
  }
  return hooks;
}

export function hookRequest(order: Order, headers: HeaderList, attempt: number): HookRequest {
  const { method, body } = order.wire;
  const list = new Headers();
  for (let i = 0; i < headers.length; i += 2) list.append(headers[i]!, headers[i + 1]!);
  const seen = typeof body === "string" || body instanceof Uint8Array ? body : undefined;
  return Object.freeze({ method, url: hrefOf(order), headers: list, body: seen, attempt });
}

/** What a hook has left in `headers`, checked as what the caller gives is. */
export function headerList(headers: Headers): HeaderList {
  return mergeHeaders([], headers);
}
