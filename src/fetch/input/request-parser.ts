import type { Job } from "../engine/job.ts";
import type { BadLine } from "./line-splitter.ts";

/** How a list of requests is written. */
export type InputFormat = "urls" | "jsonl" | "openai-batch" | "vegeta" | "csv" | "tsv";

/** Makes requests of lines, in one format. A request may take several lines. */
export interface RequestParser {
  /**
   * Takes a line, and gives the request that it completes, or what is wrong with it.
   *
   * @param lineEnd - what it ended with, where that matters
   * @throws {InputProblem}
   */
  take(line: string, number: number, lineEnd: string): Job | BadLine | undefined;
  /**
   * Takes a line that cannot be read: whatever it belongs to is no request. Returns what is to be told.
   *
   * @param text - of the line, if it was not too long, with U+FFFD for what is wrong in it
   * @throws {InputProblem}
   */
  refuse(bad: BadLine, text: string | undefined): Job | BadLine | undefined;
  /** The input has ended: gives what the last line has completed. */
  end(): Job | BadLine | undefined;
}

/** Each line by itself: nothing is left at the end. */
export abstract class LineByLine implements RequestParser {
  abstract take(line: string, number: number): Job | BadLine | undefined;

  refuse(bad: BadLine): BadLine {
    return bad;
  }

  end(): undefined {
    return undefined;
  }
}

/** An input that no request can be made of: reading on would be of no use. The message is for people. */
export class InputProblem extends Error {}
