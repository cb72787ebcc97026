import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Job } from "../engine/job.ts";
import { BadLine } from "../input/line-splitter.ts";
import { writeOpenaiBadLine, writeOpenaiResult } from "./openai-result.ts";
import type { LineSink } from "./result-line.ts";

function lineBy(write: (sink: LineSink) => void): string {
  let line = "";
  let ends = 0;
  write({ append: (part) => (line += part), endObject: () => ends++ });
  expect(ends).toBe(1);
  return `${line}}`;
}

function lineOf(body: Uint8Array | undefined, { id = "mine", status = 200, headers = {} } = {}): string {
  const target = { origin: "http://a", path: "/x", url: "http://a/x", isPlain: true, authorization: undefined };
  const job = new Job(7, id === "" ? undefined : id, target, "POST", [], undefined);
  const chunks = body === undefined ? [] : [Buffer.from(body)];
  const answer = { status, headers, chunks, bodyBytes: chunks[0]?.length ?? 0, firstByteMs: 1, totalMs: 2 };
  const failure = { code: "ECONNRESET", message: 'said "no"', isRetryable: true, isStale: false, status: undefined };
  const attempt = { job, startMs: 0, endMs: 2, answer: body && answer, failure: body ? undefined : failure };
  return lineBy((sink) => writeOpenaiResult(sink, attempt as never));
}

const read = (...args: Parameters<typeof lineOf>): unknown => JSON.parse(lineOf(...args));

describe("a result in the form of OpenAI's batches", () => {
  test("has the response, whatever its status, and no error", () => {
    const headers = { "x-request-id": "req_1" };
    expect(read(Buffer.from('{"n": 12}'), { headers })).toEqual({
      id: "batch_req_7",
      custom_id: "mine",
      response: { status_code: 200, request_id: "req_1", body: { n: 12 } },
      error: null,
    });
    expect(read(Buffer.from('{"error": {}}'), { status: 429, id: "" })).toEqual({
      id: "batch_req_7",
      custom_id: "7",
      response: { status_code: 429, request_id: "", body: { error: {} } },
      error: null,
    });
  });

  test("has the error where no answer came, and no response", () => {
    expect(read(undefined)).toEqual({
      id: "batch_req_7",
      custom_id: "mine",
      response: null,
      error: { code: "ECONNRESET", message: 'said "no"' },
    });
  });

  test("says where and why a line was no request", () => {
    const bad = new BadLine(3, "nonsense", 5);
    expect(JSON.parse(lineBy((sink) => writeOpenaiBadLine(sink, bad)))).toEqual({
      id: "batch_req_3",
      custom_id: "3",
      response: null,
      error: { code: "BAD_LINE", message: "line 3, column 5: nonsense" },
    });
  });

  test("is one line, from which JSON, text and bytes come back", () => {
    const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    fc.assert(
      fc.property(json, fc.constantFrom("", "\t"), (value, indent) => {
        const line = lineOf(Buffer.from(JSON.stringify(value, null, indent)));
        expect(line).not.toContain("\n");
        expect(JSON.parse(line)).toMatchObject({ response: { body: value } });
      }),
    );
    expect(read(Buffer.from("<html>\n"))).toMatchObject({ response: { body: "<html>\n" } });
    expect(read(Buffer.from([0xff, 0xfe]))).toMatchObject({ response: { body: "//4=" } });
    expect(lineOf(Buffer.from('{"n": 12345678901234567890}'))).toContain("12345678901234567890");
  });
});
