import { fetchFlags } from "../fetch-flags.ts";
import type { Flag } from "../flags.ts";

/** What can stand behind `taskwright`, and what it does. */
export const commands: Readonly<Record<string, string>> = {
  fetch: "ask many URLs, write a line of JSON for each",
  demo: "see it at work",
  completions: "print completions for a shell",
  help: "tell about a command",
};

/** The shells that completions are written for. */
export const shells = ["bash", "zsh", "fish"] as const;

/** A flag of fetch, as completions need it. */
export interface CompletedFlag {
  /** `-o`, `--output`: all ways to write it. */
  readonly spellings: readonly string[];
  readonly help: string;
  readonly isRepeatable: boolean;
  /** What comes behind it; undefined for nothing. */
  readonly value: { readonly name: string; readonly kind: ValueKind } | undefined;
}

/** What a shell can offer for a value. */
export type ValueKind = { readonly words: readonly string[] } | "file" | "folder" | "anything";

export const completedFlags: readonly CompletedFlag[] = Object.entries(fetchFlags).map(([name, flag]) => ({
  spellings: [flag.short, name, ...(flag.also ?? [])]
    .filter((spelling) => spelling !== undefined)
    .map((spelling) => (spelling.length === 1 ? `-${spelling}` : `--${spelling}`)),
  help: flag.help,
  isRepeatable: flag.isRepeatable === true,
  value: flag.value === undefined ? undefined : { name: flag.value, kind: kindOf(flag, flag.value) },
}));

function kindOf({ choices, suggests }: Flag, value: string): ValueKind {
  const words = choices ?? suggests;
  if (words !== undefined) return { words };
  if (/(?:^|\|)(?:FILE|PATH)\b/.test(value)) return "file";
  return /^(?:DIR|FOLDER)\b/.test(value) ? "folder" : "anything";
}
