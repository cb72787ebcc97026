/** A section of the help beside the flags: paragraphs, and lists of terms. */
export interface Topic {
  readonly title: string;
  readonly parts: readonly (string | TermList)[];
}

/** What something is called, and what it means. */
type TermList = readonly (readonly [term: string, meaning: string])[];

export const summary: string = "asks many URLs at once and writes a line of JSON for each";

export const usage: readonly string[] = [
  "taskwright fetch [flags] URL...",
  "taskwright fetch [flags] -i requests.jsonl -o results.jsonl",
  "... | taskwright fetch [flags]",
];

export const examples: readonly string[] = [
  "taskwright fetch https://example.com/a https://example.com/b",
  "taskwright fetch -i urls.txt -o results.jsonl -c 200 --per-host 50",
  "taskwright fetch -i urls.txt | jq -r 'select(.ok | not) | .url'",
  "seq -f 'https://example.com/item/%g' 1000 | taskwright fetch -o items.jsonl",
  `taskwright fetch --json '{"q": 1}' -H 'X-Api-Key: 7' https://example.com/ask`,
  "taskwright fetch -i people.csv --template 'https://example.com/{id}?q={name}'",
];

export const topics: readonly Topic[] = [
  {
    title: "Input",
    parts: [
      "A list of URLs, one a line; blank lines and # comments are skipped.",
      'Or JSONL: {"url": "...", "id"?, "method"?, "headers"?, "body"?} on each line. A body that is not a string is sent as JSON. Flags say what lines leave out.',
      "Or batches of OpenAI, targets of vegeta, and tables (CSV, TSV) or JSONL whose fields fill in a --template. The first line shows which of these it is, or --input-format says so.",
    ],
  },
  {
    title: "Results",
    parts: [
      'A line of JSON for each request, in the order in which they end: id (yours, or the number of the line), url (without credentials), ok, status, attempts, timings in ms, and the body, where bodyType says "text", "json" or "base64"; or, where no whole answer came, error {code, message}.',
      "With -o FILE the same command goes on where it stopped; --retry-failed asks again what failed.",
    ],
  },
  {
    title: "What is asked again",
    parts: [
      "408, 425, 429 and 5xx, connection errors and timeouts: after a random wait that grows, or after Retry-After. Of methods only GET, HEAD, OPTIONS, PUT and DELETE, or requests with an Idempotency-Key; with 429, and where there was no connection, any.",
      "429, and 503 with Retry-After, pause their host for all requests, and count as no attempt: throttling never fails a request. The same holds for a host that has answered and now is down. After a pause one request goes first.",
    ],
  },
  {
    title: "Stopping",
    parts: ["The first Ctrl-C lets requests under way end and starts no others; the second cancels them."],
  },
  {
    title: "Environment",
    parts: [
      [
        ["http_proxy, https_proxy, all_proxy", "proxies to go through, unless --proxy says otherwise"],
        ["no_proxy", "hosts to reach without them"],
        ["NETRC", "the file that --netrc reads; default ~/.netrc"],
        ["NO_COLOR, FORCE_COLOR", "no colours at all; colours also where there is no terminal"],
      ],
    ],
  },
  {
    title: "Exit codes",
    parts: [
      [
        ["0", "all were answered with a status below 400"],
        ["1", "some requests failed, or the results could not all be written"],
        ["2", "wrong usage, or input that cannot be read; nothing was asked"],
        ["3", "stopped by --max-failures"],
        ["129", "stopped because its terminal was closed"],
        ["130", "stopped by Ctrl-C"],
        ["141", "the reader of the results went away, as with `| head`"],
        ["143", "stopped by SIGTERM"],
      ],
    ],
  },
];
