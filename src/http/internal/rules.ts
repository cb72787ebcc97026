import type { HttpRequestOptions, SessionOptions } from "../options.ts";
import { type RetryRules, readRetry } from "./retry-rules.ts";

/** What a conversation does beyond sending one request and taking its answer. */
export interface Rules {
  readonly retry: RetryRules | undefined;
}

/** The rules of a session; undefined if there are none, and each request is just sent. */
export function readRules(options: SessionOptions): Rules | undefined {
  return rulesOrNone({ retry: readRetry(options.retry ?? true, undefined) });
}

/** Those of a request. */
export function rulesOf(options: HttpRequestOptions, session: Rules | undefined): Rules | undefined {
  if (options.retry === undefined) return session;
  return rulesOrNone({ ...session, retry: readRetry(options.retry, session?.retry) });
}

function rulesOrNone(rules: Rules): Rules | undefined {
  return Object.values(rules).every((rule) => rule === undefined) ? undefined : rules;
}
