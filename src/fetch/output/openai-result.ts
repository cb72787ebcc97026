import { isUtf8 } from "node:buffer";
import { type Attempt, bodyOf } from "../engine/attempt.ts";
import type { BadLine } from "../input/line-splitter.ts";
import { jsonIn } from "./body-text.ts";
import { type LineSink, describeBadLine, onOneLine } from "./result-line.ts";

/**
 * Writes a line as it stands in the output files of OpenAI's Batch API:
 * `{id, custom_id, response: {status_code, request_id, body}, error}`.
 *
 * @param bodyFile - the file that has the body, which is named in its place
 */
export function writeOpenaiResult(sink: LineSink, { job, answer, failure }: Attempt, bodyFile?: string): void {
  const head = headOf(job.index, job.id ?? job.index);
  if (answer === undefined) sink.append(`${head},"response":null,"error":${errorOf(failure!.code, failure!.message)}`);
  else {
    const requestId = answer.headers["x-request-id"];
    const id = JSON.stringify(typeof requestId === "string" ? requestId : "");
    sink.append(`${head},"response":{"status_code":${answer.status},"request_id":${id},"body":`);
    sink.append(bodyFile === undefined ? bodyAsJson(bodyOf(answer)) : JSON.stringify(bodyFile));
    sink.append('},"error":null');
  }
  sink.endObject();
}

/** The same for a line that was no request. */
export function writeOpenaiBadLine(sink: LineSink, bad: BadLine): void {
  sink.append(
    `${headOf(bad.index, bad.id ?? bad.index)},"response":null,"error":${errorOf("BAD_LINE", describeBadLine(bad))}`,
  );
  sink.endObject();
}

/** A custom id is always text there. */
function headOf(index: number, id: string | number): string {
  return `{"id":"batch_req_${index}","custom_id":${JSON.stringify(String(id))}`;
}

function errorOf(code: string, message: string): string {
  return `{"code":${JSON.stringify(code)},"message":${JSON.stringify(message)}}`;
}

/** The body if it is JSON, or else a string of it: its text, or base64 where its bytes are not UTF-8. */
function bodyAsJson(body: Buffer): string {
  if (!isUtf8(body)) return JSON.stringify(body.toString("base64"));
  const text = body.toString();
  const json = jsonIn(text);
  return json === undefined ? JSON.stringify(text) : onOneLine(json);
}
