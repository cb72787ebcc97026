import type { Flags } from "../flags.ts";

/** How fast, and how patiently. */
export const pacing: Flags = {
  concurrency: {
    short: "c",
    value: "N",
    suggests: ["auto"],
    isCommon: true,
    help: "requests at once; default auto, which is 100",
  },
  "per-host": { value: "N", isCommon: true, help: "requests at once to one host; default 10" },
  timeout: { value: "TIME", isCommon: true, help: "for one attempt, to the last byte; default 30s" },
  "connect-timeout": { value: "TIME", help: "to connect; default 10s" },
  retry: { value: "N", isCommon: true, help: "attempts in all, the first included; default 3" },
  "retry-max-time": { value: "TIME", help: "begin no attempt later than this; default 5m" },
  "max-filesize": { value: "SIZE", help: "give up on longer bodies; default 32M" },
};
