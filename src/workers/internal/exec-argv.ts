/** The flags of this process, for its threads and processes: but for those that say what it runs, or open a port. */
export function inheritedExecArgv(): string[] {
  const flags = process.execArgv;
  return flags.filter((flag, i) => !isOfThisProcess(flag) && !isProgram(flag) && !isProgram(flags[i - 1]));
}

function isOfThisProcess(flag: string): boolean {
  return flag.startsWith("--input-type") || /^--(inspect|debug)\b/.test(flag);
}

/** What follows is the text of the program. */
function isProgram(flag: string | undefined): boolean {
  return flag === "-e" || flag === "--eval" || flag === "-p" || flag === "--print";
}
