import { Kept, type ScopeNode, TaskCancelledError, isProgram } from "../../core/index.ts";

/** That something which holds a connection ends with its scope at the latest, although nobody may end it. */
export class Tie {
  readonly #kept: Kept | undefined;
  #isCut = false;

  /**
   * @param name - for the tree
   * @param cut - called if the scope ends before {@link release}, and told so. Not called outside of all trees, where nothing ends
   */
  constructor(scope: ScopeNode, name: string, cut: (why: TaskCancelledError) => Promise<void>) {
    if (isProgram(scope)) return;
    this.#kept = new Kept(scope, name, async (isAsked) => {
      if (isAsked) return;
      this.#isCut = true;
      const why = "the scope that it was opened in has ended";
      await cut(new TaskCancelledError(name, { kind: "unneeded", why }));
    });
  }

  /** It has ended. May be called again, and from `cut`. */
  async release(): Promise<void> {
    if (!this.#isCut) await this.#kept?.close();
  }
}
