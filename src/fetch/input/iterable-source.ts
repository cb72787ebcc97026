import type { ScopeNode } from "../../core/index.ts";
import type { FetchInput } from "../outcome.ts";
import type { BatchSource, SourceEvents } from "./batch-source.ts";
import { JobBuilder } from "./job-builder.ts";
import type { Job } from "../engine/job.ts";
import { BadLine } from "./line-splitter.ts";
import { RequestSource } from "./request-source.ts";

export interface IterableSourceOptions {
  readonly requests: Iterable<FetchInput> | AsyncIterable<FetchInput>;
  /** The code of the iterable runs in it. */
  readonly scope: ScopeNode;
  /** Sent with each request: names and values in turn. */
  readonly headers: readonly string[];
}

/** The requests of an iterable, for a batch. */
export class IterableSource implements BatchSource {
  count = 0;
  readonly share: undefined = undefined;
  readonly #source: RequestSource;

  constructor({ requests, scope, headers }: IterableSourceOptions, events: SourceEvents) {
    const { onBadLine, onReady, onError } = events;
    this.#source = new RequestSource({
      requests,
      scope,
      builder: new JobBuilder({ headers }),
      onRefused: (_input, index, message) => {
        this.count++;
        const bad = new BadLine(index, message);
        bad.isOfIterable = true;
        onBadLine(bad);
        return true;
      },
      onReady,
      onError,
    });
  }

  get hasEnded(): boolean {
    return this.#source.hasEnded;
  }

  take(): Job | undefined {
    const job = this.#source.take();
    if (job !== undefined) this.count++;
    return job;
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
