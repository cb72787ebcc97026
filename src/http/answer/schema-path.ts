import type { SchemaIssue } from "../standard-schema.ts";

/** Places that a message names. */
const shownPlaces = 3;
/** A key may be data: so much of it is shown. */
const shownCharacters = 40;

/** How many issues there are, and where the first of them: "4 issues, at items[0].price, name and tags[2]". */
export function whereOf(issues: readonly SchemaIssue[]): string {
  const places = [...new Set(issues.map(placeOf))];
  const shown = places.slice(0, shownPlaces);
  const more = places.length - shown.length;
  if (more > 0) shown.push(`${more} more`);
  const last = shown.pop() ?? "no place";
  const list = shown.length === 0 ? last : `${shown.join(", ")} and ${last}`;
  return `${issues.length} ${issues.length === 1 ? "issue" : "issues"}, at ${list}`;
}

function placeOf({ path = [] }: SchemaIssue): string {
  let place = "";
  for (const step of path) place += stepOf(typeof step === "object" ? step.key : step, place === "");
  return place === "" ? "the top" : place;
}

function stepOf(key: PropertyKey, isFirst: boolean): string {
  if (typeof key !== "string") return `[${String(key)}]`;
  const text = key.length > shownCharacters ? `${key.slice(0, shownCharacters - 1)}…` : key;
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*…?$/u.test(text)) return `[${JSON.stringify(text)}]`;
  return isFirst ? text : `.${text}`;
}
