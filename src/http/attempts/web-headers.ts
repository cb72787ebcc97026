import type { WireHeaders } from "../undici.ts";

/** The headers of a response, for its reader. */
export function webHeaders(from: WireHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(from)) {
    if (typeof value === "string") headers.append(name, value);
    else for (const one of value ?? []) headers.append(name, one);
  }
  return headers;
}
