import { readFileSync, statSync } from "node:fs";

/** The password of a file in the form of `.pgpass`: lines of host:port:database:user:password, `*` for any. */
export function findPassword(
  path: string,
  { host, port }: { readonly host: string; readonly port: number },
  database: string,
  user: string,
): string | undefined {
  // As with libpq, a socket's folder is written as localhost.
  const wanted = [host.startsWith("/") ? "localhost" : host, String(port), database, user];
  for (const line of linesOf(path)) {
    if (line.startsWith("#")) continue;
    const fields = splitLine(line);
    if (fields.length !== 5) continue;
    if (wanted.every((value, index) => fields[index] === "*" || fields[index] === value)) return fields[4];
  }
  return undefined;
}

function linesOf(path: string): string[] {
  try {
    const { mode } = statSync(path);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      process.emitWarning(`${path} can be read by others, and is passed over: its mode is to be 0600`, {
        type: "TaskwrightWarning",
        code: "TASKWRIGHT_PASSWORD_FILE",
      });
      return [];
    }
    return readFileSync(path, "utf8").split(/\r?\n/);
  } catch {
    return [];
  }
}

/** Colons and backslashes within a field stand behind a backslash. */
function splitLine(line: string): string[] {
  const fields = [""];
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!;
    if (character === "\\" && at + 1 < line.length) fields[fields.length - 1] += line[++at]!;
    else if (character === ":" && fields.length < 5) fields.push("");
    else fields[fields.length - 1] += character;
  }
  return fields;
}
