import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The parameters of a service: of `PGSERVICEFILE` or `~/.pg_service.conf`, else of `pg_service.conf` in `PGSYSCONFDIR`.
 *
 * @throws {TypeError} there is no such service, or a line of it makes no sense; no value is shown
 */
export function readService(name: string, environment: Environment): ReadonlyMap<string, string> {
  const own = environment["PGSERVICEFILE"];
  const shared = environment["PGSYSCONFDIR"];
  const files = [own ?? join(homedir(), ".pg_service.conf")];
  if (shared !== undefined) files.push(join(shared, "pg_service.conf"));
  for (const file of files) {
    const found = findService(name, file, textOf(file, file === own));
    if (found !== undefined) return found;
  }
  throw new TypeError(`Expected the service \`${name}\` of a postgres:// URL to be defined in ${files.join(" or ")}`);
}

function textOf(file: string, mustExist: boolean): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (!mustExist) return "";
    throw new TypeError(`The file of services cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Sections, each a `[name]` and lines of `parameter=value`, the first of which counts. */
function findService(name: string, file: string, text: string): ReadonlyMap<string, string> | undefined {
  let found: Map<string, string> | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      if (found !== undefined) return found;
      if (line === `[${name}]`) found = new Map();
      continue;
    }
    if (found === undefined) continue;
    const equals = line.indexOf("=");
    if (equals < 1) throw new TypeError(`Expected line ${index + 1} of ${file} to be parameter=value`);
    const parameter = line.slice(0, equals);
    if (!found.has(parameter)) found.set(parameter, line.slice(equals + 1));
  }
  return found;
}
