import { shield } from "../../core/index.ts";

/** Disposes a result that nobody will receive, if it is disposable, also where all is cancelled. Errors become warnings. */
export async function disposeDiscarded(value: unknown): Promise<void> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return;
  try {
    if (Symbol.asyncDispose in value) await shield(() => (value as AsyncDisposable)[Symbol.asyncDispose]());
    else if (Symbol.dispose in value) (value as Disposable)[Symbol.dispose]();
  } catch (error) {
    process.emitWarning(new Error("Disposing a discarded result failed", { cause: error }));
  }
}
