import type { Flags } from "../flags.ts";

/** What is shown on the way. */
export const showing: Flags = {
  summary: { value: "json", choices: ["json"], help: "sum up as a line of JSON" },
  progress: { value: "MODE", choices: ["auto", "bar", "plain", "none"], help: "auto, bar, plain or none" },
  quiet: {
    short: "q",
    also: ["s", "silent"],
    help: "no progress, no summary, nothing on single lines",
  },
  verbose: { short: "v", excludes: ["quiet"], help: "tell each retry and failure, and where errors come from" },
  "dry-run": { help: "read and check all requests, and ask nothing" },
  help: { short: "h", help: "the flags used most; --help for all" },
};
