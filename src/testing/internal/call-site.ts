import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The folder of this package's own code, which is not what anybody looks for. */
const ownFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const ownFolders = [ownFolder, pathToFileURL(ownFolder).href].map((folder) => `${folder}/`);

/** More frames than the default: those of this package come first. */
const depth = 40;

/** Where the running code was called from, to be asked for later: formatting a stack costs more than taking it. */
export function takeStack(): Error {
  const usual = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  const stack = new Error("here");
  Error.stackTraceLimit = usual;
  return stack;
}

/** The innermost frame of `stack` that is neither of this package nor of Node: `work (/home/me/pool.ts:12:5)`. */
export function callSite(stack: Error): string | undefined {
  const frames = (stack.stack ?? "").split("\n").slice(1);
  const frame = frames.find(isOfUser)?.replace(/^\s*at (async )?/, "");
  // Without what a test runner has put behind the name of the file.
  return frame?.replace("file://", "").replace(/\?[^:)]*(?=:\d+:\d+\)?$)/, "");
}

function isOfUser(frame: string): boolean {
  if (/\(?node:/.test(frame) || !/:\d+:\d+\)?$/.test(frame)) return false;
  return isTest(frame) || !ownFolders.some((folder) => frame.includes(folder));
}

/** Tests of this package stand among its files. */
function isTest(frame: string): boolean {
  return /\.test\.[cm]?[jt]s\b/.test(frame);
}
