import type { Flags } from "../flags.ts";

/** How fast, and how patiently. */
export const pacing: Flags = {
  concurrency: {
    short: "c",
    value: "N",
    suggests: ["auto"],
    help: "requests at once; default auto, which is 100",
  },
  "per-host": { value: "N", help: "requests at once to one host; default 10" },
  timeout: {
    short: "m",
    also: ["max-time"],
    value: "TIME",
    help: "for one attempt, to the last byte; default 30s",
    more: "30s, 500ms, 2m or a number of seconds; 0 is no limit. Waiting for a slot does not count.",
  },
  "connect-timeout": { value: "TIME", help: "to connect; default 10s" },
  retry: { value: "N", help: "how often to ask again what failed; default 2" },
  "retry-max-time": { value: "TIME", help: "begin no attempt later than this; default 5m" },
  "max-filesize": { value: "SIZE", help: "give up on longer bodies; default 32M" },
};
