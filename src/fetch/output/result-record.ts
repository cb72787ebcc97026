import type { WireHeaders } from "../../http/index.ts";
import { type Attempt, bodyOf, isSuccess } from "../engine/attempt.ts";
import type { BadLine } from "../input/line-splitter.ts";
import { badLineHash, requestHash } from "../journal/done-set.ts";
import { bodyText } from "./body-text.ts";
import { describeBadLine } from "./result-line.ts";

/** What the row of a result says, in whichever database. */
export interface ResultRecord {
  readonly number: number;
  readonly id: string | number;
  readonly url: string | null;
  readonly ok: boolean;
  readonly status: number | null;
  readonly attempts: number;
  readonly headersMs: number | null;
  readonly attemptMs: number | null;
  readonly totalMs: number | null;
  readonly headers: WireHeaders | null;
  /** `file` where the body is the name of the file that has it. */
  readonly bodyType: "json" | "text" | "bytes" | "file" | null;
  readonly body: string | Buffer | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly requestHash: number;
}

/** What a row takes besides its body, about. */
export const recordBytes = 200;

/** @param bodyFile - the file that has the body, which is named in its place */
export function recordOf(last: Attempt, withHeaders: boolean, bodyFile: string | undefined): ResultRecord {
  const { job, startMs, endMs, answer, failure } = last;
  return {
    number: job.index,
    id: job.id ?? job.index,
    url: job.target.url,
    ok: isSuccess(last),
    status: answer?.status ?? failure?.status ?? null,
    attempts: job.attempts,
    headersMs: answer?.firstByteMs ?? null,
    attemptMs: endMs - startMs,
    totalMs: endMs - job.firstStartMs,
    headers: withHeaders ? (answer?.headers ?? null) : null,
    ...bodyIn(last, bodyFile),
    errorCode: failure?.code ?? null,
    errorMessage: failure?.message ?? null,
    requestHash: requestHash(job),
  };
}

function bodyIn({ answer }: Attempt, bodyFile: string | undefined): Pick<ResultRecord, "bodyType" | "body"> {
  if (answer === undefined) return { bodyType: null, body: null };
  if (bodyFile !== undefined) return { bodyType: "file", body: bodyFile };
  const body = bodyOf(answer);
  const read = bodyText(answer.headers, body);
  return read === undefined ? { bodyType: "bytes", body } : { bodyType: read.type, body: read.text };
}

/** The same of a line that was no request. */
export function recordOfBadLine(bad: BadLine): ResultRecord {
  const { index, id = index, url = null } = bad;
  return {
    number: index,
    id,
    url,
    ok: false,
    status: null,
    attempts: 0,
    headersMs: null,
    attemptMs: null,
    totalMs: null,
    headers: null,
    bodyType: null,
    body: null,
    errorCode: "BAD_LINE",
    errorMessage: describeBadLine(bad),
    requestHash: badLineHash,
  };
}
