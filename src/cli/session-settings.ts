import type { FetchSessionOptions } from "../fetch/index.ts";
import type { GivenFlags } from "./flags.ts";

/** What the flags say of how hosts are reached, and of who one is there. */
export function readSession(given: GivenFlags): FetchSessionOptions {
  return { ...(given.has("insecure") && { tls: { rejectUnauthorized: false } }) };
}
