import type { Flags } from "../flags.ts";

/** Where results go, and what is in them. */
export const results: Flags = {
  output: {
    short: "o",
    value: "FILE",
    isCommon: true,
    help: "write results to FILE instead of standard output",
  },
  "include-headers": { help: "put the headers of answers into the results" },
};
