import { matchesGlob } from "node:path";
import type { FolderEntry } from "../walk.ts";

/** A part of a pattern: a name, a pattern of names, `**` for any folders between, or at the end `""`, for a folder. */
export interface Part {
  readonly name: string;
  /** What follows; undefined at the end. */
  readonly next: Part | undefined;
}

/** What has to match below a path, each for itself; undefined is the path as it is. */
export type Parts = ReadonlySet<Part | undefined>;

/** A pattern, cut into parts. Braces that hold a slash make several of it. */
export function cut(pattern: string): { readonly isAbsolute: boolean; readonly first: Part | undefined }[] {
  return alternatives(pattern.replaceAll("\\", "/")).map((text) => {
    const names = text.split("/");
    const last = names.length - 1;
    const isPart = (name: string, index: number): boolean => {
      if (name === "") return index === last;
      return name !== "." && (name !== "**" || names[index - 1] !== "**");
    };
    const first = names.filter(isPart).reduceRight<Part | undefined>((next, name) => ({ name, next }), undefined);
    return { isAbsolute: text.startsWith("/"), first };
  });
}

function alternatives(text: string): string[] {
  for (let start = text.indexOf("{"); start !== -1; start = text.indexOf("{", start + 1)) {
    const ends = endsOfChoices(text, start);
    const end = ends.at(-1);
    if (end === undefined || ends.length === 1 || !text.slice(start, end).includes("/")) continue;
    const choices = ends.map((at, index) => text.slice((index === 0 ? start : ends[index - 1]!) + 1, at));
    return choices.flatMap((choice) => alternatives(text.slice(0, start) + choice + text.slice(end + 1)));
  }
  return [text];
}

/** Where the commas are that part what is in a brace, and last where it is closed. Nothing if it is not. */
function endsOfChoices(text: string, start: number): number[] {
  const ends: number[] = [];
  for (let at = start + 1, depth = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{") depth++;
    else if (character === "," && depth === 0) ends.push(at);
    else if (character === "}" && depth-- === 0) return [...ends, at];
  }
  return [];
}

/** Whether a part is the name of one thing. */
export function isName({ name }: Part): boolean {
  return !/[*?[\]{}]|[!+@]\(/.test(name);
}

/** Adds what may follow where `**` stands for no folder. */
export function orNoFolders(parts: Parts): Parts {
  const all = new Set(parts);
  // What is added on the way is gone through, too.
  for (const part of all) if (part?.name === "**") all.add(part.next);
  return all;
}

/** What has to match below something in a folder; empty where it does not match itself. */
export function below(parts: Iterable<Part>, name: string, kind: FolderEntry["kind"]): Parts {
  const all = new Set<Part | undefined>();
  for (const part of parts) {
    if (part.name === "**") {
      if (name.startsWith(".")) continue;
      if (kind === "folder") all.add(part);
      else if (part.next === undefined) all.add(undefined);
    } else if (part.name === name) {
      if (part.next === undefined || kind === "folder" || kind === "link") all.add(part.next);
    } else if (!isName(part) && matchesGlob(name, part.name)) {
      if (part.next === undefined || kind === "folder") all.add(part.next);
    }
  }
  return all;
}
