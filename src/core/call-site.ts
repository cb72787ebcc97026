/**
 * The innermost frame in the stack of `error` that is neither of this package nor of Node: `work (/home/me/pool.ts:12:5)`.
 * Undefined if it was made by what nobody has called, such as a timer.
 */
export function callSite(error: Error): string | undefined {
  const own = ownFolder();
  const frames = (error.stack ?? "").split("\n").slice(1);
  return frames.find((frame) => isOfUser(frame, own))?.replace(/^\s*at (async )?/, "");
}

function isOfUser(frame: string, own: string | undefined): boolean {
  if (!/:\d+:\d+\)?$/.test(frame) || /\bnode:/.test(frame)) return false;
  return isTest(frame) || own === undefined || !frame.includes(own);
}

/**
 * The folder of this package's own code, as it stands in stacks, which is how frames are compared. Not by `import.meta`,
 * which is gone where the package was bundled into a script; there nothing tells its code from that of others.
 */
function ownFolder(): string | undefined {
  const frame = new Error("here").stack?.split("\n")[1] ?? "";
  return /(?:file:\/\/)?([^(]*\/)core\/call-site\.[jt]s:\d+:\d+\)$/.exec(frame)?.[1];
}

/** Tests of this package stand among its files. */
function isTest(frame: string): boolean {
  return /\.test\.[cm]?[jt]s\b/.test(frame);
}
