import type { JobSource } from "../engine/engine.ts";
import type { BadLine } from "./line-splitter.ts";

/** What a source tells the batch that reads it. */
export interface SourceEvents {
  /** A line was no request. */
  readonly onBadLine: (bad: BadLine) => void;
  /** More can be taken. */
  readonly onReady: () => void;
  /** The input cannot be read further. The source has ended. */
  readonly onError: (error: unknown) => void;
}

/** Where the requests of a batch come from. */
export interface BatchSource extends JobSource {
  /** Requests and bad lines read so far. */
  readonly count: number;
  /** How much of the input that was, from 0 to 1; undefined where its size is not known. */
  readonly share: number | undefined;
  /** Reads no more. */
  close(): Promise<void>;
}
