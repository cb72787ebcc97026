import { type CompletedFlag, type ValueKind, commands, completedFlags, shells } from "./vocabulary.ts";

/** Completions for fish. */
export function fishCompletions(): string {
  const lines = Object.entries(commands).map(
    ([name, help]) => `complete -c taskwright -n __fish_use_subcommand -f -a ${name} -d ${quote(help)}`,
  );
  return `# Completions of taskwright for fish. In a file ~/.config/fish/completions/taskwright.fish
complete -c taskwright -f
${lines.join("\n")}
complete -c taskwright -n '__fish_seen_subcommand_from completions' -f -a '${shells.join(" ")}'
complete -c taskwright -n '__fish_seen_subcommand_from help' -f -a '${Object.keys(commands).join(" ")}'
${completedFlags.map(line).join("\n")}
`;
}

function line({ spellings, help, value }: CompletedFlag): string {
  const names = spellings.map((one) => (one.startsWith("--") ? `-l ${one.slice(2)}` : `-s ${one.slice(1)}`));
  const rest = value === undefined ? "" : ` ${offer(value.kind)}`;
  return `complete -c taskwright -n '__fish_seen_subcommand_from fetch' ${names.join(" ")} -d ${quote(help)}${rest}`;
}

function offer(kind: ValueKind): string {
  switch (kind) {
    case "file":
      return "-r -F";
    case "folder":
      return "-x -a '(__fish_complete_directories)'";
    case "anything":
      return "-x";
    default:
      return `-x -a ${quote(kind.words.join(" "))}`;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
