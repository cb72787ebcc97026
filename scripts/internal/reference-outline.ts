/** The headings of a page of the reference. */
import type { Api, ApiExport, ApiMember, ExportKind } from "./api-model.ts";

export interface Group {
  readonly title: string;
  readonly exports: readonly ApiExport[];
}

const titles: Readonly<Record<ExportKind, string>> = {
  function: "Functions",
  class: "Classes",
  constant: "Constants",
  type: "Types",
  error: "Errors",
};

/** What a page describes, in its order. */
export function groupsOf(api: Api): Group[] {
  return (Object.keys(titles) as ExportKind[])
    .map((kind) => ({ title: titles[kind], exports: api.exports.filter((item) => item.kind === kind) }))
    .filter(({ exports }) => exports.length > 0);
}

/** Members that have a heading of their own. */
export function methodsOf(item: ApiExport): ApiMember[] {
  return item.members.filter(({ kind }) => kind === "method");
}

/** The heading of a method: `Queue.put`, `Queue[Symbol.asyncIterator]`. */
export function titleOf(item: ApiExport, method: ApiMember): string {
  return method.name.startsWith("[") ? `${item.name}${method.name}` : `${item.name}.${method.name}`;
}

export function headingsOf(api: Api): string[] {
  const groups = groupsOf(api).flatMap(({ title, exports }) => [title, ...exports.flatMap(headingsOfExport)]);
  return [api.door.specifier, "Contents", ...groups];
}

function headingsOfExport(item: ApiExport): string[] {
  return [item.name, ...methodsOf(item).map((method) => titleOf(item, method))];
}
