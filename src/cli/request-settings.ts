import { isMethod } from "../fetch/index.ts";
import { readData } from "./body-settings.ts";
import type { GivenFlags } from "./flags.ts";
import { readHeaders } from "./header-settings.ts";

/** What requests have that do not say otherwise. */
export interface RequestDefaults {
  readonly method: string | undefined;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array | undefined;
  /** What is added to the query of each URL. */
  readonly query: string | undefined;
}

/** @throws {UsageError} a flag is wrong */
export function readRequestDefaults(given: GivenFlags, version: string): RequestDefaults {
  const { body, bodyHeaders, query } = readData(given);
  const method = given.read("request", "an HTTP method", methodOf, given.has("head") ? "HEAD" : undefined);
  return { method, headers: readHeaders(given, bodyHeaders, version), body, query };
}

function methodOf(text: string): string | undefined {
  return isMethod(text) ? text.toUpperCase() : undefined;
}
