import { type TaskFunction, type TaskGroup, taskGroup } from "../../core/index.ts";
import { disposeDiscarded } from "./dispose.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";

/**
 * Functions of which one wins: then the others are cancelled and waited for. What they still return is disposed if it
 * is disposable, and what they still throw is dropped.
 */
export class Contest<T> {
  readonly #name: string;
  readonly #isDecisive: (outcome: Outcome<T>, index: number) => boolean;
  #group: TaskGroup | undefined;
  #winner: Outcome<T> | undefined;
  #entered = 0;

  /**
   * @param name - what it is called in the tree
   * @param isDecisive - whether the function entered in this place has won, ending like this
   */
  constructor(name: string, isDecisive: (outcome: Outcome<T>, index: number) => boolean) {
    this.#name = name;
    this.#isDecisive = isDecisive;
  }

  get isWon(): boolean {
    return this.#winner !== undefined;
  }

  /**
   * Runs `body`, which enters functions.
   *
   * Value first: what was won before a cancellation came from around is returned, however the others then end.
   *
   * @returns how the winner ended; undefined if none has won
   */
  async run(body: () => void | Promise<void>): Promise<Outcome<T> | undefined> {
    try {
      await taskGroup(
        (group) => {
          this.#group = group;
          return body();
        },
        { name: this.#name },
      );
    } catch (error) {
      if (this.#winner === undefined) throw error;
    }
    return this.#winner;
  }

  /** Starts a function. */
  enter(fn: TaskFunction<T>, name: string): void {
    const index = this.#entered++;
    this.#group!.spawn(async (scope) => this.#arrive(await outcomeOf(fn, scope), index), { name });
  }

  async #arrive(outcome: Outcome<Awaited<T>>, index: number): Promise<void> {
    if (this.#winner === undefined && this.#isDecisive(outcome, index)) {
      this.#winner = outcome;
      this.#group!.cancel({ kind: "unneeded", why: "the race was won" });
    } else if (this.#winner !== undefined && outcome.ok) await disposeDiscarded(outcome.value);
  }
}
