import type { Flags } from "../flags.ts";

/** Who asks, and how servers are reached. */
export const connecting: Flags = {
  user: { short: "u", value: "NAME:PASSWORD", isCommon: true, help: "log in by basic authentication" },
  "user-agent": { short: "A", value: "NAME", help: "default taskwright/VERSION" },
  insecure: { short: "k", isCommon: true, help: "accept any TLS certificate" },
};
