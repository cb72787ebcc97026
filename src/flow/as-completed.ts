import {
  type CancelReason,
  Crew,
  Deque,
  DrivenStream,
  type ScopeNode,
  type TaskOwner,
  openScope,
  spawn,
} from "../core/index.ts";
import { disposeDiscarded } from "./internal/dispose.ts";
import { type Functions, type ResultOf, entriesOf } from "./internal/functions.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/** How one of several functions ended, and which: its place in the list, or its name. */
export type Completion<K, T> = Outcome<T> & { readonly key: K };

/** What {@link asCompleted} yields. `key` tells the functions apart, and with them the types of their values. */
export type CompletionOf<F extends Functions> = F extends readonly (infer Fn)[]
  ? number extends F["length"]
    ? Completion<number, ResultOf<Fn>>
    : {
        // A place in a tuple as a number: the compiler knows it as text.
        [Key in keyof F]: Completion<Key extends `${infer Place extends number}` ? Place : Key, ResultOf<F[Key]>>;
      }[number]
  : { [Key in keyof F]: Completion<Key, ResultOf<F[Key]>> }[keyof F];

/** The outcomes of {@link asCompleted}. To be read once. */
export type CompletionStream<F extends Functions> = AsyncGenerator<CompletionOf<F>, void, void>;

/**
 * Runs all functions at once, and yields how each ended, in the order in which they end. A failure cancels nobody: it is
 * an outcome as well.
 *
 * They start when the first outcome is asked for, and belong to the scope in which it is. Leaving the loop cancels those
 * that run and waits for them; what they still return is disposed if it is disposable, and what they still throw is
 * dropped.
 *
 * Cancel: cancels all of them, and waits for them before the cancellation goes on.
 *
 * @param fns - a list of functions, or an object of them
 * @returns outcomes with `key`: the place of the function in the list, or its name in the object
 *
 * @example
 * ```ts
 * import { asCompleted, sleep } from "taskwright";
 *
 * const mirrors = { slow: () => sleep(60_000), fast: () => sleep(5), down: () => Promise.reject(new Error("down")) };
 * const seen: string[] = [];
 * for await (const { key, ok } of asCompleted(mirrors)) {
 *   seen.push(key);
 *   if (ok) break;
 * }
 * console.log(seen); // => [ 'down', 'fast' ]
 * ```
 */
export function asCompleted<const F extends Functions>(fns: F): CompletionStream<F> {
  return new Completions(fns) as DrivenStream<unknown> as CompletionStream<F>;
}

class Completions extends DrivenStream<Completion<number | string, unknown>> implements TaskOwner {
  readonly #fns: Functions;
  readonly #ready = new Deque<Completion<number | string, unknown>>();
  /** The scope of the functions. */
  #calls: ScopeNode | undefined;

  constructor(fns: Functions) {
    super("asCompleted");
    this.#fns = fns;
  }

  /* v8 ignore next -- how a function ends is a value: its task could only fail by a mistake of ours */
  taskFailed(_name: string, error: unknown): void {
    this.failed(error, this.#calls!);
  }

  taskCancelled(): void {
    this.cutBy(this.#calls!.cancelled!);
  }

  protected override async drive(): Promise<void> {
    const calls = openScope("calls");
    calls.crew = new Crew(calls, this);
    this.#calls = calls;
    for (const { key, fn, name } of entriesOf(this.#fns, "asCompleted")) {
      const call = async (scope: ScopeNode): Promise<void> => {
        const outcome = await outcomeOf(fn, scope);
        this.#ready.push({ ...outcome, key });
        this.deliver();
      };
      spawn(calls, (scope) => call(scope as ScopeNode), { name });
    }
    while (calls.hasTasks) await calls.crew.drain();
    calls.close();
  }

  protected override stop(reason: CancelReason): void {
    this.#calls?.cancel(reason);
  }

  protected override get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  protected override take(): Completion<number | string, unknown> {
    return this.#ready.shift();
  }

  protected override async discard(): Promise<void> {
    for (const completion of this.#ready.takeAll()) if (completion.ok) await disposeDiscarded(completion.value);
  }
}
