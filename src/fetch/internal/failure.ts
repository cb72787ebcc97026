import { ConnectionError, HttpError } from "../../http/index.ts";

/** Why a request has no whole answer. */
export interface Failure {
  /** Stable, for programs: `HTTP_TIMEOUT`, `ECONNREFUSED`, ... */
  readonly code: string;
  readonly message: string;
  /** Whether it may go better next time. */
  readonly isRetryable: boolean;
  /** The server closed a kept connection, as it may at any time, just when the request was on its way. */
  readonly isStale: boolean;
}

/** What the same request will meet again: bad certificates, broken protocols, limits of ours, wrong arguments. */
const lasting = /CERT|^UNABLE_TO_|^ERR_TLS|^ERR_SSL|^EPROTO$|^HTTP_PROTOCOL$|^HTTP_BODY_TOO_LARGE$|^INVALID_REQUEST$/;

/** Makes of an error what results say of it. */
export function failureOf(error: unknown): Failure {
  const code = codeOf(error);
  const isStale = error instanceof ConnectionError && error.isReused && error.phase === "request";
  return { code, message: messageOf(error), isRetryable: !lasting.test(code), isStale };
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
