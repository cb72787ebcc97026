import { getCallSites } from "node:util";
import { pathToFileURL } from "node:url";

/** The URL of the module whose code is `depth` calls up. */
export function callerModule(depth: number): string {
  // Not where a source map says that it was written, but where it runs.
  const script = getCallSites(depth + 1, { sourceMap: false })[depth]?.scriptName ?? "";
  return script.startsWith("/") || /^[A-Za-z]:\\/.test(script) ? pathToFileURL(script).href : script;
}
