import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The folder of this package's own code, which is not what anybody looks for. */
const ownFolder = dirname(dirname(fileURLToPath(import.meta.url)));
const ownFolders = [ownFolder, pathToFileURL(ownFolder).href].map((folder) => `${folder}/`);

/**
 * The innermost frame in the stack of `error` that is neither of this package nor of Node: `work (/home/me/pool.ts:12:5)`.
 * Undefined if it was made by what nobody has called, such as a timer.
 */
export function callSite(error: Error): string | undefined {
  const frames = (error.stack ?? "").split("\n").slice(1);
  return frames.find(isOfUser)?.replace(/^\s*at (async )?/, "");
}

function isOfUser(frame: string): boolean {
  if (!/:\d+:\d+\)?$/.test(frame) || /\bnode:/.test(frame)) return false;
  return isTest(frame) || !ownFolders.some((folder) => frame.includes(folder));
}

/** Tests of this package stand among its files. */
function isTest(frame: string): boolean {
  return /\.test\.[cm]?[jt]s:/.test(frame);
}
