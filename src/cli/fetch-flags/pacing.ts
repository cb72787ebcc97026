import type { Flags } from "../flags.ts";

/** How fast, and how patiently. */
export const pacing: Flags = {
  concurrency: {
    short: "c",
    value: "N",
    suggests: ["auto"],
    help: "requests at once; default auto, which is 100",
    more: "With auto each host finds by itself how many it can take, up to --per-host: it begins with 4, and gets no more at once where that only makes it slower.",
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
  rate: {
    value: "N/TIME",
    help: "requests in a time, such as 100/s or 6000/m",
    more: "Evenly, attempts included. As many as come in 20 ms may go at once.",
  },
  "rate-per-host": { value: "N/TIME", help: "the same for each host" },
  tokens: {
    value: "N/TIME",
    help: "tokens of models for each host, such as 200000/m",
    more: "A request is guessed to take a quarter of the bytes of its body, and the max_tokens, max_completion_tokens or max_output_tokens in it; its answer tells how many it took.",
  },
  "tokens-field": { value: "PATH", help: "where answers tell; default usage.total_tokens" },
  "tokens-header": { value: "NAME", excludes: ["tokens-field"], help: "the header that tells in place of a field" },
  "tokens-estimate": { value: "N", help: "what a request takes, instead of guessing" },
  retry: {
    value: "N",
    help: "how often to ask again what failed; default 2",
    more: "Waits that a host asks for do not count: 429, and 503 with Retry-After. Nor does a host that has answered and now is down, for --retry-max-time.",
  },
  "retry-max-time": { value: "TIME", help: "begin no attempt later than this; default 5m" },
  "retry-budget": {
    value: "PERCENT",
    suggests: ["none"],
    help: "retries for each host, of its requests; default 20%",
    more: "Besides 10 a second. What goes beyond has failed at once: so what is down is not kept down.",
  },
  "retry-any-method": { help: "ask again also POST and the like, without a key" },
  "max-failures": {
    value: "N|P%",
    help: "stop when more than this have failed",
    more: "Lets requests under way end, and exits with 3. A part is looked at from 100 requests on.",
  },
  "max-filesize": {
    value: "SIZE",
    help: "give up on longer bodies; default 32M",
    more: "No more than 80M fit into a result, and 1G into a file of --save-bodies.",
  },
};
