/** Numbers with units, as people write them in flags and like to read them. */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const duration = /^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/;
const durationPart = /(\d+(?:\.\d+)?)(ms|[smhd])/g;
const plainNumber = /^\d+(?:\.\d+)?$/;

/**
 * Reads `30s`, `500ms`, `2m`, `1h30m`, or a number of seconds, as with curl.
 *
 * @returns milliseconds, or undefined if `text` is no duration
 */
export function parseDuration(text: string): number | undefined {
  if (plainNumber.test(text)) return Number(text) * 1_000;
  if (!duration.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(durationPart)) ms += Number(amount) * unitMs[unit!]!;
  return ms;
}

const rate = /^([1-9]\d{0,14})(?:\/(\d*(?:\.\d+)?)(ms|[smhd]))?$/;

/**
 * Reads `100/s`, `6000/m`, `5/10s`, or a number for each second.
 *
 * @returns undefined if `text` is no rate
 */
export function parseRate(text: string): { limit: number; perMs: number } | undefined {
  const [, limit, amount = "", unit = "s"] = rate.exec(text) ?? [];
  const perMs = (amount === "" ? 1 : Number(amount)) * unitMs[unit]!;
  return limit === undefined || perMs < 1 ? undefined : { limit: Number(limit), perMs };
}

/** Reads a whole number, 0 or more. */
export function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

const unitBytes: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const size = /^(\d+(?:\.\d+)?)(?:([kmgt]?)(?:i?b)?)$/i;

/**
 * Reads `500`, `64k`, `10M`, `1.5GB`. As with curl, a k is 1,024.
 *
 * @returns bytes, or undefined if `text` is no size
 */
export function parseSize(text: string): number | undefined {
  const [, amount, unit] = size.exec(text) ?? [];
  if (amount === undefined) return undefined;
  return Math.floor(Number(amount) * unitBytes[unit!.toLowerCase()]!);
}

/** `12,345` */
export function formatCount(count: number): string {
  return count.toLocaleString("en");
}

/** `0.4 ms`, `12 ms`, `3.2 s`, `4:05` */
export function formatMs(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  return formatClock(ms);
}

/** `0:09`, `4:05`, `1:02:03` */
export function formatClock(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** `812 B`, `23.1 MB`: powers of 1,000. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1_000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `12%`, rounded down: 100% is when all is done. */
export function formatPercent(share: number): string {
  return `${Math.floor(share * 100)}%`;
}

/** `0.3/s`, `4,512/s` */
export function formatRate(perSecond: number): string {
  return `${perSecond < 9.95 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond))}/s`;
}
