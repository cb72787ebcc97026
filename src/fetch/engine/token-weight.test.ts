import { describe, expect, test } from "vitest";
import type { WireHeaders } from "../../http/index.ts";
import type { Attempt } from "./attempt.ts";
import { Job } from "./job.ts";
import { type TokenCounting, tokenWeight } from "./token-weight.ts";

const rate = { limit: 1, perMs: 1, burst: 1 };
const usual: TokenCounting = { estimate: undefined, field: ["usage", "total_tokens"], header: undefined };
const target = { origin: "http://a", path: "/", url: "http://a/", isPlain: true, authorization: undefined };

function jobWith(body?: string | Uint8Array): Job {
  return new Job(1, undefined, target, "POST", [], body);
}

function estimate(body?: string | Uint8Array, counting = usual): number {
  return tokenWeight(rate, counting).estimate(jobWith(body));
}

function actual(body: string, counting = usual, headers: WireHeaders = {}, status = 200): number | undefined {
  const chunks = [Buffer.from(body)];
  const answer = { status, headers, chunks, bodyBytes: body.length, firstByteMs: 0, totalMs: 0 };
  const attempt: Attempt = { job: jobWith(), startMs: 0, endMs: 0, answer, failure: undefined };
  return tokenWeight(rate, counting).actual(attempt);
}

describe("the estimate", () => {
  test("is a quarter of the bytes of the body, and what the answer may be as long as", () => {
    expect(estimate()).toBe(0);
    expect(estimate("x".repeat(400))).toBe(100);
    expect(estimate(Buffer.from("x".repeat(401)))).toBe(101);
    for (const name of ["max_tokens", "max_completion_tokens", "max_output_tokens"]) {
      const body = JSON.stringify({ model: "m", [name]: 4_096, input: "hello" });
      expect(estimate(body)).toBe(Math.ceil(body.length / 4) + 4_096);
      expect(estimate(Buffer.from(body))).toBe(Math.ceil(body.length / 4) + 4_096);
    }
  });

  test("reads nothing out of what is only quoted", () => {
    const body = JSON.stringify({ input: '{"max_tokens": 9000}' });
    expect(estimate(body)).toBe(Math.ceil(body.length / 4));
  });

  test("is what was said, where something was", () => {
    expect(estimate("x".repeat(400), { ...usual, estimate: 7 })).toBe(7);
  });
});

describe("what was used", () => {
  test("stands in a field of the answer", () => {
    expect(actual('{"usage":{"total_tokens":123}}')).toBe(123);
    expect(actual('{"a":[{"b":5}]}', { ...usual, field: ["a", "0", "b"] })).toBe(5);
  });

  test("or in a header", () => {
    const counting = { ...usual, header: "x-tokens" };
    expect(actual("{}", counting, { "x-tokens": "17" })).toBe(17);
    expect(actual('{"usage":{"total_tokens":123}}', counting, { "x-tokens": "many" })).toBeUndefined();
    expect(actual('{"usage":{"total_tokens":123}}', counting)).toBeUndefined();
  });

  test("is not known where the answer does not say so", () => {
    for (const body of ["", "no JSON", "[]", "null", '{"usage":null}', '{"usage":{"total_tokens":"9"}}']) {
      expect(actual(body)).toBeUndefined();
    }
    expect(actual('{"usage":{"total_tokens":-1}}')).toBeUndefined();
    expect(actual("{}", { ...usual, field: ["constructor", "length"] })).toBeUndefined();
  });

  test("is nothing where the server refused to begin", () => {
    expect(actual("slow down", usual, {}, 429)).toBe(0);
  });
});
