import type { ApiExport } from "./api-model.ts";

/** What may be names of types in the declaration of an export and its members: capitalised words outside of texts. */
export function typeNamesIn({ name, signature, members }: Pick<ApiExport, "name" | "signature" | "members">): string[] {
  const declaration = [signature, ...members.map((member) => member.signature)].join("\n");
  const words = declaration.replaceAll(/\/\*\*[^]*?\*\/|"[^"]*"/g, "").match(/\b[A-Z]\w*/g);
  return [...new Set(words)].filter((word) => word !== name).toSorted((a, b) => (a < b ? -1 : 1));
}
