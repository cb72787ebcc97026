import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WireHeaders } from "../../http/index.ts";
import { Job } from "../engine/job.ts";
import { BadLine } from "../input/line-splitter.ts";
import { type LineSink, writeBadLine, writeResult } from "./result-line.ts";

interface Answer {
  status?: number;
  headers?: WireHeaders;
  chunks?: Uint8Array[];
  error?: { code: string; message: string; status?: number };
  id?: string | number;
  withHeaders?: boolean;
}

function lineOf({ status = 200, headers = {}, chunks = [], error, id, withHeaders = false }: Answer): string {
  const target = { origin: "http://a", path: "/x", url: "http://a/x", isPlain: true, authorization: undefined };
  const job = new Job(7, id, target, "GET", [], undefined);
  job.attempts = 2;
  job.firstStartMs = 990;
  const buffers = chunks.map((chunk) => Buffer.from(chunk));
  const bodyBytes = Buffer.concat(buffers).length;
  const answer = { status, headers, chunks: buffers, bodyBytes, firstByteMs: 0.26, totalMs: 0.52 };
  const failure =
    error === undefined
      ? undefined
      : { status: undefined, ...error, isRetryable: true, isStale: false, isUnprocessed: false };
  const attempt = { job, startMs: 1_000, endMs: 1_000.52, answer: error === undefined ? answer : undefined, failure };
  return lineBy((sink) => writeResult(sink, attempt, withHeaders));
}

function lineBy(write: (sink: LineSink) => void): string {
  let line = "";
  let ends = 0;
  write({ append: (part) => (line += part), endObject: () => ends++ });
  expect(ends).toBe(1);
  return `${line}}\n`;
}

const read = (answer: Answer): Record<string, unknown> => JSON.parse(lineOf(answer)) as Record<string, unknown>;
const json = { "content-type": "application/json; charset=utf-8" };

describe("a result", () => {
  test("says what was asked, how it went, and how long it took", () => {
    expect(read({ chunks: [Buffer.from("hi")] })).toEqual({
      id: 7,
      url: "http://a/x",
      ok: true,
      status: 200,
      attempts: 2,
      timings: { headersMs: 0.3, attemptMs: 0.5, totalMs: 10.5 },
      bodyType: "text",
      body: "hi",
    });
    expect(read({ id: "mine", status: 404 })).toMatchObject({ id: "mine", ok: false, status: 404, body: "" });
  });

  test("has headers only where they are asked for", () => {
    const headers = { "set-cookie": ["a=1", "b=2"], etag: '"x"' };
    expect(read({ headers })).not.toHaveProperty("headers");
    expect(read({ headers, withHeaders: true })).toMatchObject({ headers });
  });

  test("keeps the status of an answer that broke off apart from that of a whole one", () => {
    const error = { code: "ECONNRESET", message: "the connection broke within the body", status: 200 };
    expect(read({ error })).toHaveProperty("error", error);
    expect(read({ error })).not.toHaveProperty("status");
  });

  test("names the error of a request that has no answer", () => {
    const error = { code: "ECONNRESET", message: 'said "no"' };
    expect(read({ error })).toEqual({
      id: 7,
      url: "http://a/x",
      ok: false,
      attempts: 2,
      timings: { attemptMs: 0.5, totalMs: 10.5 },
      error,
    });
  });

  test("is one line, from which the body comes back byte for byte", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (chunks) => {
        const line = lineOf({ chunks });
        const { bodyType, body } = JSON.parse(line) as { bodyType: string; body: string };
        expect(line.indexOf("\n")).toBe(line.length - 1);
        const bytes = Buffer.from(body, bodyType === "base64" ? "base64" : "utf8");
        expect(bytes.equals(Buffer.concat(chunks))).toBe(true);
      }),
    );
  });

  test("takes text as text, whatever its characters", () => {
    const text = fc.string({ unit: "binary", maxLength: 50 }).filter((value) => value.isWellFormed());
    fc.assert(
      fc.property(text, (body) => {
        expect(read({ chunks: [Buffer.from(body)] })).toMatchObject({ bodyType: "text", body });
      }),
    );
  });

  test("takes in JSON of any layout as JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("", "\t", "  "), (value, indent) => {
        const line = lineOf({ headers: json, chunks: [Buffer.from(JSON.stringify(value, null, indent))] });
        expect(line.indexOf("\n")).toBe(line.length - 1);
        expect(JSON.parse(line)).toMatchObject({
          bodyType: "json",
          body: JSON.parse(JSON.stringify(value)) as unknown,
        });
      }),
    );
  });

  test("keeps the digits of numbers that JavaScript cannot hold", () => {
    expect(lineOf({ headers: json, chunks: [Buffer.from('{\r\n"n": 12345678901234567890}')] })).toContain(
      '"body":{ "n": 12345678901234567890}}',
    );
  });

  test("takes for text what only claims to be JSON, and JSON that does not say so", () => {
    expect(read({ headers: json, chunks: [Buffer.from("{oops")] })).toMatchObject({ bodyType: "text", body: "{oops" });
    expect(read({ headers: json })).toMatchObject({ bodyType: "text", body: "" });
    expect(read({ headers: { "content-type": "text/plain" }, chunks: [Buffer.from("{}")] })).toMatchObject({
      bodyType: "text",
      body: "{}",
    });
  });

  test.each(["application/json", "Application/JSON", "application/problem+json", "text/json;x=y"])(
    "knows %s for JSON",
    (type) => {
      expect(read({ headers: { "content-type": type }, chunks: [Buffer.from("\ufeff[1]")] })).toMatchObject({
        bodyType: "json",
        body: [1],
      });
    },
  );
});

test("a line that was no request leaves a result that says where and why", () => {
  expect(JSON.parse(lineBy((sink) => writeBadLine(sink, new BadLine(3, "nonsense", 5, "http://a/", "x"))))).toEqual({
    id: "x",
    url: "http://a/",
    ok: false,
    attempts: 0,
    error: { code: "BAD_LINE", message: "line 3, column 5: nonsense" },
  });
  expect(JSON.parse(lineBy((sink) => writeBadLine(sink, new BadLine(3, "nonsense"))))).toMatchObject({
    id: 3,
    url: null,
  });
});
