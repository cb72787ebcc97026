import type { ProgressStyle } from "./progress-line.ts";

/** What the terminal behind standard error can show, and what its user wants to see: NO_COLOR, FORCE_COLOR, LANG. */
export function stderrStyle(env: NodeJS.ProcessEnv = process.env): ProgressStyle {
  const wantsNoColor = env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "";
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return {
    hasColor: process.stderr.isTTY && !wantsNoColor && process.stderr.hasColors(env),
    hasUnicode: /utf-?8/i.test(locale),
  };
}
