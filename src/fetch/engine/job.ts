import { Link } from "../../core/index.ts";
import { isIdempotent } from "../../http/index.ts";
import type { Target } from "../input/target.ts";

/** One request on its way through the engine, from its line in the input to its outcome. */
export class Job extends Link {
  /** Place in the input, counted from 1: the line number where there are lines. */
  readonly index: number;
  /** What the user calls it; undefined means its index. */
  readonly id: string | number | undefined;
  readonly target: Target;
  readonly method: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array | undefined;
  /** What the job was made of, for those who want it back. */
  input: unknown = undefined;
  /** What it takes of each weighted limit; undefined where nobody has asked. */
  weights: readonly number[] | undefined = undefined;
  /** Attempts begun. */
  attempts = 0;
  /** Those of them that do not count: they were refused for now, or lost to nobody's fault. */
  uncounted = 0;
  /** Whether an attempt was lost to a connection that the server had closed. That happens once. */
  wasStale = false;
  /** How often it was asked again for a status of 5xx that is not known to pass. */
  retriesOfOthers = 0;
  /** When the first attempt began, on the monotonic clock. */
  firstStartMs = 0;
  /** When the first attempt failed that counts; -1 if none has. */
  firstFailureMs = -1;

  constructor(
    index: number,
    id: string | number | undefined,
    target: Target,
    method: string,
    headers: readonly string[],
    body: string | Uint8Array | undefined,
  ) {
    super();
    this.index = index;
    this.id = id;
    this.target = target;
    this.method = method;
    this.headers = headers;
    this.body = body;
  }

  /** About how much memory it takes while it waits, for the limit on what is read ahead. */
  get bytes(): number {
    return 500 + this.target.url.length + (this.body?.length ?? 0);
  }
}

/** Whether asking twice does no more than asking once, so that it may be asked again after a failure. */
export function isRepeatable(job: Job): boolean {
  return isIdempotent(job.method) || hasHeader(job.headers, "idempotency-key");
}

/** Whether a flat list of names and values has the header `name`, given in lower case. */
export function hasHeader(headers: readonly string[], name: string): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]!.length === name.length && headers[index]!.toLowerCase() === name) return true;
  }
  return false;
}
