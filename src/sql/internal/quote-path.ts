import { quoteName } from "../query.ts";

/** `schema.table`, each part a name. One that has dots in it is given in quotes, as in SQL. */
export function quotePath(path: string): string {
  if (typeof path !== "string")
    throw new TypeError(`Expected a name of a table, got \`${String(path)}\` (${typeof path})`);
  const parts = path.match(/"(?:[^"]|"")*"|[^".]+|\./g) ?? [];
  const isPath = parts.join("") === path && parts.every((part, index) => (part === ".") === (index % 2 === 1));
  if (!isPath || parts.length % 2 === 0) return quoteName(path);
  return parts
    .filter((part) => part !== ".")
    .map((part) => quoteName(part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part))
    .join(".");
}
