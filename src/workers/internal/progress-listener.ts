import { currentFrame, enter, outside } from "../../core/index.ts";

/** Hands progress to the function of the caller, in the context of the caller. */
export class ProgressListener {
  readonly #onProgress: (value: unknown) => void;
  readonly #frame = currentFrame();
  /** What the function has thrown. */
  failure: { readonly error: unknown } | undefined;

  constructor(onProgress: (value: unknown) => void) {
    this.#onProgress = onProgress;
  }

  /** @returns whether to go on */
  came(value: unknown): boolean {
    if (this.failure !== undefined) return false;
    try {
      if (this.#frame === undefined) outside(() => this.#onProgress(value));
      else enter(this.#frame, this.#onProgress, value, undefined);
    } catch (error) {
      this.failure = { error };
    }
    return this.failure === undefined;
  }
}
