import type { WriteStream } from "node:tty";

/** What of a stream says whether colours make sense: a terminal has all of it, a file or pipe nothing. */
export type MaybeTerminal = Partial<Pick<WriteStream, "isTTY" | "hasColors">>;

/**
 * Whether to write colours to `stream`. What people set counts most: `NO_COLOR` means none, whatever its value;
 * `FORCE_COLOR` means colours also where there is no terminal, or with 0 none.
 */
export function hasColor(stream: MaybeTerminal, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env["NO_COLOR"]) return false;
  const forced = env["FORCE_COLOR"];
  if (forced) return forced !== "0" && forced !== "false";
  return stream.isTTY === true && env["TERM"] !== "dumb" && stream.hasColors?.(env) === true;
}
