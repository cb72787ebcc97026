import type { Api, ApiExport, ApiMember } from "./api-model.ts";

/**
 * What a reader of the reference would miss, one sentence each.
 *
 * Whatever returns a promise or an async iterable says what cancelling does, in a paragraph `Cancel: ...`. Where that
 * is no question the paragraph says so: `Cancel: not applicable, it never waits.`
 */
export function findMissingDocs(apis: readonly Api[]): string[] {
  return apis.flatMap(({ door, doc, exports }) => [
    ...(doc === undefined || doc.text === "" ? [`${door.specifier} has no doc comment with @module`] : []),
    ...exports.flatMap(missingIn),
  ]);
}

function missingIn(item: ApiExport): string[] {
  const inside = item.members.flatMap((member) => missingOf(member, `${item.name}.${member.name}`));
  const unnamed = item.unnamed.map((type) => `${item.place}: ${item.name} names ${type}, which no door exports`);
  return [...missingOf(item, item.name), ...inside, ...unnamed];
}

function missingOf(item: ApiExport | ApiMember, name: string): string[] {
  const { doc, place, waits } = item;
  // Of a constructor the class says what it is; its parameters have their types.
  if (item.kind === "constructor") return [];
  if (doc === undefined || (doc.text === "" && doc.default === undefined))
    return [`${place}: ${name} has no doc comment`];
  return waits && doc.cancel === undefined ? [`${place}: ${name} does not say what "Cancel: ..." does`] : [];
}
