import { fetchFlagGroups } from "./fetch-flags.ts";
import type { Flag } from "./flags.ts";

const intro = `taskwright fetch asks many URLs at once and writes a line of JSON for each.

  taskwright fetch [flags] URL...
  taskwright fetch [flags] -i requests.jsonl -o results.jsonl
  ... | taskwright fetch [flags]

Examples
  taskwright fetch https://example.com/a https://example.com/b
  taskwright fetch -i urls.txt -o results.jsonl -c 200 --per-host 50
  taskwright fetch -i urls.txt | jq -r 'select(.ok | not) | .url'
  seq -f 'https://example.com/item/%g' 1000 | taskwright fetch -o items.jsonl
  taskwright fetch --json '{"q": 1}' -H 'X-Api-Key: 7' https://example.com/ask`;

const outro = `Input
  A list of URLs, one a line; blank lines and # comments are skipped.
  Or JSONL: {"url": "...", "id"?, "method"?, "headers"?, "body"?} on each line.
  A body that is not a string is sent as JSON. Flags say what lines leave out.

Results, one line each, in the order in which requests end
  id (yours, or the line number), url (without credentials), ok, status,
  attempts, timings in ms, and the body, where bodyType says "text", "json" or
  "base64"; or, where no whole answer came, error {code, message}.

Rules
  408, 425, 429, 5xx, connection errors and timeouts are asked again, after a
  random wait that grows, or after Retry-After; only GET, HEAD, OPTIONS, PUT and
  DELETE, or requests with an Idempotency-Key. Redirects are not followed.
  Ctrl-C lets requests under way end and starts no others; a second one cancels.
  --summary json goes to standard output, or to standard error without -o.

Exit codes
  0    all were answered with a status below 400
  1    some requests failed, or the results could not all be written
  2    wrong usage, or input that cannot be read
  130  stopped by Ctrl-C      141  the reader of the results went away
  143  stopped by SIGTERM
`;

/** The text of `taskwright fetch --help`. No line is longer than 80 characters. */
export function fetchHelp(): string {
  const groups = Object.entries(fetchFlagGroups).map(
    ([title, flags]) =>
      `${title}\n${Object.entries(flags)
        .map(([name, flag]) => line(name, flag))
        .join("\n")}`,
  );
  return [intro, ...groups, outro].join("\n\n");
}

const column = 30;

function line(name: string, flag: Flag): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const left = `  ${short}--${name}${flag.value === undefined ? "" : ` ${flag.value}`}`;
  return left.length < column ? left.padEnd(column) + flag.help : `${left}\n${" ".repeat(column)}${flag.help}`;
}
