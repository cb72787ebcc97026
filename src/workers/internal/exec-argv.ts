/** The flags of this process, for its processes: but for those that say what it runs, or open a port. */
export function inheritedExecArgv(flags: readonly string[] = process.execArgv): string[] {
  return flags.filter((flag, i) => !isOfThisProcess(flag) && !hasProgram(flags[i - 1]));
}

/**
 * The same for threads; undefined where they may have all of them, and so have them by themselves: of those that are named
 * Node takes few, and refuses to start a thread with `--expose-gc` or what its test runner sets.
 */
export function threadExecArgv(flags: readonly string[] = process.execArgv): string[] | undefined {
  return flags.some(isInputType) ? inheritedExecArgv(flags) : undefined;
}

function isOfThisProcess(flag: string): boolean {
  return isInputType(flag) || /^--(inspect|debug|test)\b/.test(flag) || /^(-e|-p|-pe|--eval|--print)(=|$)/.test(flag);
}

function isInputType(flag: string): boolean {
  return flag.startsWith("--input-type");
}

/** What follows is the text of the program. */
function hasProgram(flag: string | undefined): boolean {
  return flag !== undefined && /^(-e|-p|-pe|--eval|--print)$/.test(flag);
}
