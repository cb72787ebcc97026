import type { WholeResponse } from "../../http/index.ts";
import type { Failure } from "./failure.ts";
import type { Job } from "./job.ts";

/** How one attempt at a job ended: with an answer, or with a failure. */
export interface Attempt {
  readonly job: Job;
  /** When it got its slot, on the monotonic clock. */
  readonly startMs: number;
  readonly endMs: number;
  readonly answer: WholeResponse | undefined;
  readonly failure: Failure | undefined;
}

/** Whether it counts as a success: answered, with a status below 400. */
export function isSuccess({ answer }: Attempt): boolean {
  return answer !== undefined && answer.status < 400;
}

/** The body of an answer, in one piece. */
export function bodyOf({ chunks, bodyBytes }: WholeResponse): Buffer {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bodyBytes);
}
