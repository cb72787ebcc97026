const seconds = /^\d+(?:\.\d+)?$/;

/** The three forms of a date that RFC 9110 lets a server send. `Date.parse` alone takes much more, such as "7". */
const httpDate =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d{2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{2} \d{2}:\d{2}:\d{2} GMT|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d{2}:\d{2}:\d{2} \d{4})$/;

/**
 * How long a `Retry-After` header asks to wait.
 *
 * @param value - seconds or an HTTP date
 * @param dateMs - when the answer was made, in milliseconds since 1970: the server's own `Date`, so that a clock that
 *   is wrong on either side does no harm, or else the time here
 * @returns milliseconds, 0 or more; undefined if the header says nothing that can be understood
 */
export function parseRetryAfter(value: string, dateMs: number): number | undefined {
  const text = value.trim();
  if (seconds.test(text)) {
    const waitMs = Math.ceil(Number(text) * 1_000);
    return waitMs <= Number.MAX_SAFE_INTEGER ? waitMs : undefined;
  }
  const atMs = parseHttpDate(text);
  return atMs === undefined ? undefined : Math.max(0, atMs - dateMs);
}

/** Milliseconds since 1970, or undefined if `text` is no HTTP date. */
export function parseHttpDate(text: string): number | undefined {
  if (!httpDate.test(text)) return undefined;
  const atMs = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(atMs) ? undefined : atMs;
}
