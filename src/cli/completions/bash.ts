import { type CompletedFlag, type ValueKind, commands, completedFlags, shells } from "./vocabulary.ts";

/** Completions for bash 3.2 and later, which macOS has. Needs nothing of the package bash-completion. */
export function bashCompletions(): string {
  const words = completedFlags.flatMap(({ spellings }) => spellings).join(" ");
  return `# Completions of taskwright for bash. In ~/.bashrc: source <(taskwright completions bash)
_taskwright() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} IFS=$'\\n'
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "$(printf '%s\\n' ${[...Object.keys(commands), "--help", "--version"].join(" ")})" -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
    completions) COMPREPLY=($(compgen -W "$(printf '%s\\n' ${shells.join(" ")})" -- "$cur")); return ;;
    help) COMPREPLY=($(compgen -W "$(printf '%s\\n' ${Object.keys(commands).join(" ")})" -- "$cur")); return ;;
    fetch) ;;
    *) return ;;
  esac
  # Bash takes --flag=value apart.
  if [ "$cur" = "=" ]; then cur=; elif [ "$prev" = "=" ]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  case $prev in
${completedFlags.map(valueCase).join("")}  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$(printf '%s\\n' ${words})" -- "$cur")) ;;
  esac
}
complete -F _taskwright taskwright
`;
}

function valueCase({ spellings, value }: CompletedFlag): string {
  return value === undefined ? "" : `    ${spellings.join("|")}) ${offer(value.kind)}return ;;\n`;
}

function offer(kind: ValueKind): string {
  switch (kind) {
    case "file":
      return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); ';
    case "folder":
      return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")); ';
    case "anything":
      return "";
    default:
      return `COMPREPLY=($(compgen -W "$(printf '%s\\n' ${kind.words.join(" ")})" -- "$cur")); `;
  }
}
