import { callSite as frameOfCaller } from "../../core/index.ts";

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

/** Whose call it was, as in {@link frameOfCaller}, without what a test runner has put before and behind the file. */
export function callSite(stack: Error): string | undefined {
  return frameOfCaller(stack)
    ?.replace("file://", "")
    .replace(/\?[^:)]*(?=:\d+:\d+\)?$)/, "");
}
