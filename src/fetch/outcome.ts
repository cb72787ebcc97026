import type { WireHeaders } from "../http/index.ts";
import { type Attempt, bodyOf } from "./engine/attempt.ts";

/** What a request is asked for: a URL, or more than that. */
export type FetchInput = string | URL | FetchRequest;

/** One request of a batch. */
export interface FetchRequest {
  /** An http or https URL. Credentials in it are sent as basic authentication, and shown nowhere. */
  readonly url: string | URL;
  /** What you call it. @default its place in the source, from 0 */
  readonly id?: string | number;
  /** @default `GET`, or `POST` where there is a body */
  readonly method?: string;
  /** Sent besides those of the batch, and in place of those of the same names. */
  readonly headers?: Readonly<Record<string, string | number | readonly string[]>>;
  /** Text or bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown;
}

/** How one request of a batch ended: with an answer, whatever its status, or with a failure. */
export type FetchOutcome = FetchAnswer | FetchFailure;

/** How long a request took, in milliseconds. */
export interface FetchTimings {
  /** The last attempt, from its slot to the last byte. */
  readonly attemptMs: number;
  /** From the beginning of the first attempt to the end of the last, waits included. */
  readonly totalMs: number;
}

interface Asked {
  /** As it was given. */
  readonly request: FetchInput;
  /** What you called it, or its place in the source. */
  readonly id: string | number;
  /** Place in the source, from 0. */
  readonly index: number;
  /** Attempts made, the first included; 0 if the request was never sent. */
  readonly attempts: number;
  /** How long it took. */
  readonly timings: FetchTimings;
}

/** A whole answer. */
export interface FetchAnswer extends Asked {
  /** Whether the status is below 400. */
  readonly ok: boolean;
  /** The status code: 200 or another. */
  readonly status: number;
  /** Where it was found, if the request was redirected. */
  readonly finalUrl: string | undefined;
  /** Names in lower case; an array where a header came several times. */
  readonly headers: WireHeaders;
  /** All of the body. */
  readonly body: Uint8Array;
  /** An answer is no failure, whatever its status. */
  readonly error: undefined;
  /** The body as UTF-8. */
  text(): string;
  /** The value of a JSON body. The content type is not looked at. @throws {SyntaxError} the body is not JSON */
  json(): unknown;
}

/** No whole answer came. */
export interface FetchFailure extends Asked {
  /** Never. */
  readonly ok: false;
  /** There is none. */
  readonly status: undefined;
  /**
   * Why: a code of the system, such as `ECONNREFUSED`, `HTTP_TIMEOUT` and its kin, or `INVALID_REQUEST`; and the status
   * that the answer had which broke off, if its headers had come.
   */
  readonly error: { readonly code: string; readonly message: string; readonly status: number | undefined };
}

/** Makes of the last attempt at a job what users see of it. */
export function outcomeOf(last: Attempt): FetchOutcome {
  const { job, startMs, endMs, answer, failure } = last;
  const asked: Asked = {
    request: job.input as FetchInput,
    id: job.id ?? job.index,
    index: job.index,
    attempts: job.attempts,
    timings: { attemptMs: endMs - startMs, totalMs: endMs - job.firstStartMs },
  };
  if (answer === undefined) return failed(asked, failure!);
  const body = bodyOf(answer);
  return {
    ...asked,
    ok: answer.status < 400,
    status: answer.status,
    finalUrl: answer.url,
    headers: answer.headers,
    body,
    error: undefined,
    text: () => body.toString("utf8"),
    json: () => JSON.parse(body.toString("utf8")) as unknown,
  };
}

/** The outcome of something that is no request. */
export function refusedOutcome(request: FetchInput, index: number, message: string): FetchFailure {
  const asked = { request, id: index, index, attempts: 0, timings: { attemptMs: 0, totalMs: 0 } };
  return failed(asked, { code: "INVALID_REQUEST", message, status: undefined });
}

function failed(asked: Asked, { code, message, status }: FetchFailure["error"]): FetchFailure {
  return { ...asked, ok: false, status: undefined, error: { code, message, status } };
}
