import { type CompletedFlag, type ValueKind, commands, completedFlags, shells } from "./vocabulary.ts";

/** Completions for zsh: a function for a folder of $fpath, or to be sourced. */
export function zshCompletions(): string {
  const described = Object.entries(commands).map(([name, help]) => quote(`${name}:${help}`));
  return `#compdef taskwright
# Completions of taskwright for zsh. Behind compinit in ~/.zshrc: source <(taskwright completions zsh)
_taskwright() {
  local -a commands=(${described.join(" ")})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
    completions) _values shell ${shells.join(" ")} ;;
    help) _describe command commands ;;
    fetch)
      shift words
      (( CURRENT-- ))
      _arguments -s -S \\
${completedFlags.flatMap(specs).join("")}        '*:URL:_urls'
      ;;
  esac
}
if [ "$funcstack[1]" = _taskwright ]; then _taskwright "$@"; else compdef _taskwright taskwright; fi
`;
}

function specs({ spellings, help, isRepeatable, value }: CompletedFlag): string[] {
  const text = help.replaceAll(/[[\]\\:]/g, "\\$&");
  const rest = value === undefined ? "" : `:${value.name.replaceAll(/[[\]\\:'<>]/g, "").trim()}:${action(value.kind)}`;
  const others = isRepeatable ? "*" : `(${spellings.join(" ")})`;
  return spellings.map((spelling) => {
    const sign = value === undefined ? "" : spelling.startsWith("--") ? "=" : "+";
    return `        ${quote(`${others}${spelling}${sign}[${text}]${rest}`)} \\\n`;
  });
}

function action(kind: ValueKind): string {
  switch (kind) {
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "anything":
      return " ";
    default:
      return `(${kind.words.join(" ")})`;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
