import { isUtf8 } from "node:buffer";
import type { WireHeaders } from "../../http/index.ts";
import { type Attempt, bodyOf, isSuccess } from "./attempt.ts";
import type { BadLine } from "./line-splitter.ts";

/** How a result says what the body was: as it is, as the JSON it holds, or as base64 of bytes that are no UTF-8. */
export type BodyType = "text" | "json" | "base64";

/** The line of JSON that a request leaves in the results. Built by hand: it is most of what the engine computes. */
export function resultLine(last: Attempt, withHeaders: boolean): string {
  const { job, startMs, endMs, answer, failure } = last;
  let line = `{"id":${job.id === undefined ? job.index : JSON.stringify(job.id)},"url":${JSON.stringify(job.target.url)}`;
  line += isSuccess(last) ? ',"ok":true' : ',"ok":false';
  if (answer !== undefined) line += `,"status":${answer.status}`;
  line += `,"attempts":${job.attempts},"timings":{`;
  if (answer !== undefined) line += `"headersMs":${tenths(answer.firstByteMs)},`;
  line += `"attemptMs":${tenths(endMs - startMs)},"totalMs":${tenths(endMs - job.firstStartMs)}}`;
  if (answer === undefined) return `${line},"error":${errorOf(failure!.code, failure!.message)}}\n`;
  if (withHeaders) line += `,"headers":${JSON.stringify(answer.headers)}`;
  return `${line}${bodyFields(answer.headers, bodyOf(answer))}}\n`;
}

/** The line that stands in the results for a line that was no request. */
export function badLineResult(bad: BadLine): string {
  const { id = bad.line, url = null, column } = bad;
  const where = column === undefined ? `line ${bad.line}` : `line ${bad.line}, column ${column}`;
  return (
    `{"id":${JSON.stringify(id)},"url":${JSON.stringify(url)},"ok":false,"attempts":0,` +
    `"error":${errorOf("BAD_LINE", `${where}: ${bad.message}`)}}\n`
  );
}

function errorOf(code: string, message: string): string {
  return `{"code":${JSON.stringify(code)},"message":${JSON.stringify(message)}}`;
}

function bodyFields(headers: WireHeaders, body: Buffer): string {
  if (!isUtf8(body)) return `,"bodyType":"base64","body":"${body.toString("base64")}"`;
  const text = body.toString("utf8");
  if (isJsonType(headers["content-type"])) {
    const json = asOneLine(text);
    if (json !== undefined) return `,"bodyType":"json","body":${json}`;
  }
  return `,"bodyType":"text","body":${JSON.stringify(text)}`;
}

const jsonType = /^\s*(?:application|text)\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i;

function isJsonType(contentType: string | string[] | undefined): boolean {
  return typeof contentType === "string" && jsonType.test(contentType);
}

/** The JSON in `text` as it stands, but for line ends; undefined if it is none. Numbers keep all their digits. */
function asOneLine(text: string): string | undefined {
  const json = text.startsWith("\ufeff") ? text.slice(1) : text;
  try {
    JSON.parse(json);
  } catch {
    return undefined;
  }
  // Within strings JSON has no line ends: those that are there separate tokens, as a space does.
  return json.includes("\n") || json.includes("\r") ? json.replaceAll(/[\r\n]+/g, " ") : json;
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
