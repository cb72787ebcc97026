import type { Attempt } from "../engine/attempt.ts";
import type { DoneSet } from "../journal/done-set.ts";
import type { BadLine } from "../input/line-splitter.ts";

/** What an output tells the batch that fills it. */
export interface OutputEvents {
  /** More should not be handed over: much is still to be written. `onReady` comes when it may. */
  readonly onFull: () => void;
  readonly onReady: () => void;
  /** Something could not be written. What was handed over and not written is lost; nothing more is written. */
  readonly onError: (error: unknown) => void;
  /** Writing takes long, for a reason that users should know. */
  readonly onTrouble?: (message: string) => void;
}

/**
 * Longer bodies stand in no result: their text as JSON, in which a byte may take six, would be longer than any text of
 * JavaScript.
 */
export const mostInResult: number = 80 * 1024 * 1024;

/**
 * Where the outcomes of a batch go: lines of a file, rows of a table, files of a folder.
 *
 * What is handed over is taken at once, and written in time. If the process is killed, whatever was written is in
 * `done` the next time, and whatever is in `done` was written.
 */
export interface ResultOutput {
  /** What earlier runs have left here, which is not asked again; undefined if this output remembers nothing. */
  readonly done: DoneSet | undefined;
  /** Longer bodies cannot be taken. @default 80 MiB */
  readonly maxBodyBytes?: number;
  /** Bytes written, those of earlier runs included. */
  readonly bytes: number;
  /** Bytes handed over and not written yet. */
  readonly waitingBytes: number;
  /** Called once, before all else. */
  start(events: OutputEvents): void;
  /**
   * Takes how a request ended.
   *
   * @param bodyFile - the file that has the body, which then is not written here
   */
  settled(last: Attempt, bodyFile?: string): void;
  /** Takes a line that was no request. */
  foundBadLine(bad: BadLine): void;
  /** Writes what was handed over, and closes. Rejects if anything could not be written. */
  end(): Promise<void>;
  /** Gives up what is not written yet, because nobody takes it. */
  abandon(): void;
}
