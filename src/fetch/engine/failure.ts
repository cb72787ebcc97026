import { ConnectionError, HttpError, isRetryableError, isStale, isUnprocessed } from "../../http/index.ts";

/** Why a request has no whole answer. */
export interface Failure {
  /** Stable, for programs: `HTTP_TIMEOUT`, `ECONNREFUSED`, ... */
  readonly code: string;
  readonly message: string;
  /** Of the answer, where it broke off after its headers. */
  readonly status: number | undefined;
  /** Whether it may go better next time. */
  readonly isRetryable: boolean;
  /** The server closed a kept connection, as it may at any time, just when the request was on its way. */
  readonly isStale: boolean;
  /** Nobody has done anything with the request: there was no connection. */
  readonly isUnprocessed: boolean;
}

/** Makes of an error what results say of it. */
export function failureOf(error: unknown): Failure {
  return {
    code: codeOf(error),
    message: messageOf(error),
    status: error instanceof HttpError ? error.status : undefined,
    isRetryable: isRetryableError(error),
    isStale: isStale(error),
    isUnprocessed: isUnprocessed(error),
  };
}

function codeOf(error: unknown): string {
  // The code of the system says more than ours; that of a library below says less.
  if (error instanceof ConnectionError && error.causeCode?.startsWith("UND_") === false) return error.causeCode;
  return error instanceof HttpError ? error.code : "INVALID_REQUEST";
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What was asked stands in the result anyway.
  const prefix = error instanceof HttpError ? `${error.method} ${error.url}: ` : "";
  const message = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
  // The option of a session that the message names has another name here.
  return message.replace(/ \(timeout\.\w+\)$/, "");
}
