import type { Flags } from "./flags.ts";

/** The flags of `taskwright fetch`, grouped as the help shows them. Where curl has a flag, it means the same. */
export const fetchFlagGroups: Readonly<Record<string, Flags>> = {
  "What to ask": {
    input: { short: "i", value: "FILE", help: "requests to ask; `-` is standard input" },
    "input-format": { value: "FORMAT", help: "urls or jsonl; default: seen from the first line" },
    request: { short: "X", value: "METHOD", help: "method; default GET, or POST where there is a body" },
    header: { short: "H", value: "'NAME: VALUE'", isRepeatable: true, help: "send this header; `NAME:` sends none" },
    data: { short: "d", value: "DATA", isRepeatable: true, help: "send DATA as a form; @FILE sends that file" },
    json: { value: "DATA", help: "send DATA as JSON; @FILE sends that file" },
    user: { short: "u", value: "NAME:PASSWORD", help: "log in by basic authentication" },
    "user-agent": { short: "A", value: "NAME", help: "default taskwright/VERSION" },
    insecure: { short: "k", help: "accept any TLS certificate" },
  },
  "How fast, and how patiently": {
    concurrency: { short: "c", value: "N", help: "requests at once; default auto, which is 100" },
    "per-host": { value: "N", help: "requests at once to one host; default 10" },
    timeout: { value: "TIME", help: "for one attempt, to the last byte; default 30s" },
    "connect-timeout": { value: "TIME", help: "to connect; default 10s" },
    retry: { value: "N", help: "attempts in all, the first included; default 3" },
    "retry-max-time": { value: "TIME", help: "begin no attempt later than this; default 5m" },
    "max-filesize": { value: "SIZE", help: "give up on longer bodies; default 32M" },
  },
  "What comes out": {
    output: { short: "o", value: "FILE", help: "write results to FILE instead of standard output" },
    "include-headers": { help: "put the headers of answers into the results" },
    summary: { value: "json", help: "sum up as a line of JSON, see below" },
    progress: { value: "MODE", help: "auto, bar, plain or none" },
    quiet: { short: "q", help: "no progress, no summary, nothing on single lines" },
    verbose: { short: "v", help: "tell each retry; show the stack of an error" },
    "dry-run": { help: "read and check all requests, and ask nothing" },
    help: { short: "h", help: "this text" },
  },
};

/** The flags of `taskwright fetch`, by name. */
export const fetchFlags: Flags = Object.assign({}, ...Object.values(fetchFlagGroups)) as Flags;
