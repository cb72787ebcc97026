import { type ScopeNode, enter } from "../../core/index.ts";
import type { FetchInput } from "../outcome.ts";
import type { JobSource } from "../engine/engine.ts";
import type { Job } from "../engine/job.ts";
import { FieldProblem, type JobBuilder } from "./job-builder.ts";
import { BadLine } from "./line-splitter.ts";
import { redactUrl } from "./target.ts";

export interface RequestSourceOptions {
  readonly requests: Iterable<FetchInput> | AsyncIterable<FetchInput>;
  /** The code of the iterable runs in it. */
  readonly scope: ScopeNode;
  readonly builder: JobBuilder;
  /** Something in the iterable is no request. Returns whether there is room for more of them. */
  readonly onRefused: (input: FetchInput, index: number, message: string) => boolean;
  /** More can be taken. */
  readonly onReady: () => void;
  /** The iterable threw. The source has ended. */
  readonly onError: (error: unknown) => void;
}

type Step = IteratorResult<FetchInput>;

/** @throws {TypeError} `requests` is no iterable, or a text, of which each character would be a request */
export function expectRequests(requests: unknown): void {
  const isIterable =
    typeof requests === "object" &&
    requests !== null &&
    (Symbol.iterator in requests || Symbol.asyncIterator in requests);
  if (isIterable) return;
  const got = typeof requests === "string" ? redactUrl(requests) : String(requests);
  throw new TypeError(`Expected \`requests\` to be an iterable of requests, got \`${got}\` (${typeof requests})`);
}

/** Jobs from an iterable, which is asked for one more only when one more may start. */
export class RequestSource implements JobSource {
  hasEnded = false;
  readonly #options: RequestSourceOptions;
  readonly #iterator: Iterator<FetchInput> | AsyncIterator<FetchInput>;
  readonly #isAsync: boolean;
  #index = 0;
  /** What an async iterable has given, until it is taken. */
  #given: Step | undefined = undefined;
  #isReading = false;

  constructor(options: RequestSourceOptions) {
    const { requests } = options;
    this.#options = options;
    this.#isAsync = Symbol.asyncIterator in requests;
    this.#iterator = Symbol.asyncIterator in requests ? requests[Symbol.asyncIterator]() : requests[Symbol.iterator]();
  }

  take(): Job | undefined {
    while (!this.hasEnded) {
      const step = this.#isAsync ? this.#takeGiven() : this.#ask();
      if (step === undefined) return undefined;
      if (step.done === true) this.hasEnded = true;
      else {
        const made = this.#build(step.value);
        if (made !== "refused") return made;
      }
    }
    return undefined;
  }

  /** Tells an iterable that was not read to its end. */
  async close(): Promise<void> {
    if (this.hasEnded) return;
    this.hasEnded = true;
    await this.#iterator.return?.();
  }

  #ask(): Step {
    try {
      return enter(this.#options.scope, next, this.#iterator, undefined) as Step;
    } catch (error) {
      this.hasEnded = true;
      throw error;
    }
  }

  #takeGiven(): Step | undefined {
    const step = this.#given;
    this.#given = undefined;
    if (step === undefined && !this.#isReading) void this.#askAsync();
    return step;
  }

  async #askAsync(): Promise<void> {
    this.#isReading = true;
    try {
      this.#given = await enter(this.#options.scope, next, this.#iterator, undefined);
    } catch (error) {
      this.hasEnded = true;
      this.#options.onError(error);
      return;
    } finally {
      this.#isReading = false;
    }
    this.#options.onReady();
  }

  #build(input: FetchInput): Job | "refused" | undefined {
    const { builder, onRefused } = this.#options;
    const index = this.#index++;
    const made = build(builder, index, input);
    if (typeof made === "string") return onRefused(input, index, made) ? "refused" : undefined;
    made.input = input;
    return made;
  }
}

function next(iterator: Iterator<FetchInput> | AsyncIterator<FetchInput>): Step | Promise<Step> {
  return iterator.next();
}

function build(builder: JobBuilder, index: number, input: FetchInput): Job | string {
  if (typeof input === "string" || input instanceof URL) {
    const job = builder.fromUrl(index, String(input));
    return job instanceof BadLine ? job.message : job;
  }
  if (typeof input !== "object" || input === null) return `Expected a URL or an object with one, got ${typeof input}`;
  try {
    return builder.fromRequest(index, input);
  } catch (error) {
    if (error instanceof FieldProblem) return error.message;
    throw error;
  }
}
