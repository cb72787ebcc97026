import type { WireHeaders } from "../../http/index.ts";
import { type Attempt, bodyOf, isSuccess } from "../engine/attempt.ts";
import { bodyText } from "./body-text.ts";
import type { Failure } from "../engine/failure.ts";
import type { BadLine } from "../input/line-splitter.ts";

/** Takes the parts of a line, one after the other. */
export interface LineSink {
  append(part: string): void;
  /** Adds the brace that ends an object, and ends the line. */
  endObject(): void;
}

/**
 * Writes the line of JSON that a request leaves in the results. By hand: it is most of what the engine computes.
 *
 * @param bodyFile - the file that has the body, which is named in its place
 */
export function writeResult(sink: LineSink, last: Attempt, withHeaders: boolean, bodyFile?: string): void {
  const { job, startMs, endMs, answer, failure } = last;
  const { url, isPlain } = job.target;
  let head = `{"id":${job.id === undefined ? job.index : JSON.stringify(job.id)},"url":${isPlain ? `"${url}"` : JSON.stringify(url)}`;
  head += isSuccess(last) ? ',"ok":true' : ',"ok":false';
  if (answer !== undefined) head += `,"status":${answer.status}`;
  if (answer?.url !== undefined) head += `,"finalUrl":${JSON.stringify(answer.url)}`;
  head += `,"attempts":${job.attempts},"timings":{`;
  if (answer !== undefined) head += `"headersMs":${tenths(answer.firstByteMs)},`;
  head += `"attemptMs":${tenths(endMs - startMs)},"totalMs":${tenths(endMs - job.firstStartMs)}}`;
  if (answer === undefined) sink.append(`${head},"error":${errorOf(failure!)}`);
  else {
    if (withHeaders) head += `,"headers":${JSON.stringify(answer.headers)}`;
    if (bodyFile !== undefined) sink.append(`${head},"bodyType":"file","body":${JSON.stringify(bodyFile)}`);
    else appendBody(sink, head, answer.headers, bodyOf(answer));
  }
  sink.endObject();
}

/** Writes the line that stands in the results for a line that was no request. */
export function writeBadLine(sink: LineSink, bad: BadLine): void {
  const { index, id = index, url = null } = bad;
  sink.append(
    `{"id":${JSON.stringify(id)},"url":${JSON.stringify(url)},"ok":false,"attempts":0,` +
      `"error":${errorOf({ code: "BAD_LINE", message: describeBadLine(bad) })}`,
  );
  sink.endObject();
}

/** Where a line is that was no request, and why it is none. */
export function describeBadLine({ input, line, column, message, isOfIterable }: BadLine): string {
  if (isOfIterable) return message;
  const where = `line ${line}${column === undefined ? "" : `, column ${column}`}`;
  return `${input === undefined ? "" : `${input}, `}${where}: ${message}`;
}

function errorOf({ code, message, status }: Pick<Failure, "code" | "message"> & Partial<Failure>): string {
  const answered = status === undefined ? "" : `,"status":${status}`;
  return `{"code":${JSON.stringify(code)},"message":${JSON.stringify(message)}${answered}}`;
}

/** Head and body go apart: the body is one flat string already, and joining it with others would copy it. */
function appendBody(sink: LineSink, head: string, headers: WireHeaders, body: Buffer): void {
  const read = bodyText(headers, body);
  if (read === undefined) {
    sink.append(`${head},"bodyType":"base64","body":"`);
    sink.append(body.toString("base64"));
    sink.append('"');
  } else {
    sink.append(`${head},"bodyType":"${read.type}","body":`);
    sink.append(read.type === "json" ? onOneLine(read.text) : JSON.stringify(read.text));
  }
}

/** Within strings JSON has no line ends: those that are there separate tokens, as a space does. */
export function onOneLine(json: string): string {
  return json.includes("\n") || json.includes("\r") ? json.replaceAll(/[\r\n]+/g, " ") : json;
}

/** Milliseconds with one digit behind the point. Whole numbers are quicker to print than fractions. */
function tenths(ms: number): string {
  const all = Math.round(ms * 10);
  const rest = all % 10;
  return rest === 0 ? `${all / 10}` : `${(all - rest) / 10}.${rest}`;
}
