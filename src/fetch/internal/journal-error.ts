/** x */
import { TaskwrightError } from "../../core/index.ts";

/** The input is not the one that the results were made of. */
export class InputChangedError extends TaskwrightError {
  override readonly name = "InputChangedError" as const;
  override readonly code = "FETCH_INPUT_CHANGED" as const;
  /** Place of the request: the number of its line, or its place in the iterable; undefined where requests are missing. */
  readonly index: number | undefined;

  constructor(index: number | undefined, message: string) {
    super(message);
    this.index = index;
  }
}
