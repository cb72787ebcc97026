import { hasColor } from "./color.ts";
import type { ProgressStyle } from "./progress-state.ts";

/** What the terminal behind standard error can show, and what its user wants to see. */
export function stderrStyle(env: NodeJS.ProcessEnv = process.env): ProgressStyle {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return { hasColor: hasColor(process.stderr, env), hasUnicode: /utf-?8/i.test(locale) };
}
