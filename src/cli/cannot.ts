import { InputChangedError, InputError } from "../fetch/index.ts";
import { UsageError } from "./usage-error.ts";

/** Tells that something cannot be done with what is called `name`, and why. */
export function cannot(doing: string, name: string, error: unknown): UsageError {
  const hint =
    error instanceof InputChangedError ? "give it the same list again, or begin anew with --restart" : undefined;
  return new UsageError(`Cannot ${doing} (${name}): ${(error as Error).message}`, hint, { cause: error });
}

/** @param inputName - what the input is called where the error does not say which it was */
export function cannotReadRequests(inputName: string, error: unknown): UsageError {
  return cannot("read requests", error instanceof InputError ? error.input : inputName, error);
}
