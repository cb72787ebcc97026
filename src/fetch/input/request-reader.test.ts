import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Job } from "../engine/job.ts";
import { BadLine } from "./line-splitter.ts";
import { RequestReader, type RequestReaderOptions } from "./request-reader.ts";

function read(text: string, options: Partial<RequestReaderOptions> = {}): (Job | BadLine)[] {
  const reader = new RequestReader({ headers: [], ...options });
  const found: (Job | BadLine)[] = [];
  const drain = (): void => {
    for (let next = reader.next(); next !== undefined; next = reader.next()) found.push(next);
  };
  reader.feed(Buffer.from(text));
  drain();
  reader.end();
  drain();
  return found;
}

function readJob(text: string, options: Partial<RequestReaderOptions> = {}): Job {
  const job = read(text, options)[0];
  if (!(job instanceof Job)) throw new Error(job?.message ?? "nothing was read");
  return job;
}

const readBad = (text: string): BadLine => read(text).find((item) => item instanceof BadLine)!;

describe("a list of URLs", () => {
  test("is one URL a line; blank lines and comments count as lines, but are no requests", () => {
    const jobs = read("# from the sitemap\n\nhttp://a/1\r\n  http://a/2  \n#http://a/3\nhttp://a/4");
    expect(jobs.map((job) => job instanceof Job && [job.index, job.target.url])).toEqual([
      [3, "http://a/1"],
      [4, "http://a/2"],
      [6, "http://a/4"],
    ]);
  });

  test("takes method, headers and body from the defaults", () => {
    const defaults = { headers: ["accept", "*/*"], body: "x=1" };
    expect(readJob("http://a/", defaults)).toMatchObject({ method: "POST", ...defaults });
    expect(readJob("http://a/", { ...defaults, method: "PUT" }).method).toBe("PUT");
    expect(readJob("http://a/").method).toBe("GET");
  });

  test("reports a line that is no URL with its number, and goes on", () => {
    const [bad, good] = read("http:/\\[\nhttp://a/\n");
    expect(bad).toEqual(new BadLine(1, "Expected an http or https URL, got `http:/\\[`", undefined, "http:/\\["));
    expect(good).toBeInstanceOf(Job);
  });
});

describe("a list of JSON", () => {
  test("is recognised by its first line, or said to be one", () => {
    expect(readJob('\n{"url": "http://a/"}').target.url).toBe("http://a/");
    expect(read("[]", { format: "jsonl" })[0]).toBeInstanceOf(BadLine);
    expect(read('{"url": "http://a/"}', { format: "urls" })[0]).toBeInstanceOf(BadLine);
  });

  test("gives id, method, headers and body to a request", () => {
    const line = { id: "x", method: "put", url: "http://a/", headers: { A: "1", b: ["2", "3"] }, body: "text" };
    expect(readJob(JSON.stringify(line))).toMatchObject({
      id: "x",
      method: "PUT",
      headers: ["A", "1", "b", "2", "b", "3"],
      body: "text",
    });
  });

  test("sends a body that is not a string as JSON, and says so in content-type unless the request does", () => {
    expect(readJob('{"url": "http://a/", "body": {"n": 1}}')).toMatchObject({
      method: "POST",
      headers: ["content-type", "application/json"],
      body: '{"n":1}',
    });
    const own = '{"url": "http://a/", "body": [1], "headers": {"Content-Type": "application/x"}}';
    expect(readJob(own).headers).toEqual(["Content-Type", "application/x"]);
  });

  test("keeps its own headers where a default has the same name in other case", () => {
    const job = readJob('{"url": "http://a/", "headers": {"ACCEPT": "x"}}', { headers: ["accept", "*/*", "b", "1"] });
    expect(job.headers).toEqual(["ACCEPT", "x", "b", "1"]);
  });

  test("lets credentials of the URL win over the default, and the request's own header over both", () => {
    const headers = ["authorization", "of all"];
    expect(readJob('{"url": "http://u:p@a/"}', { headers }).headers).toEqual(["authorization", `Basic ${btoa("u:p")}`]);
    const own = '{"url": "http://u:p@a/", "headers": {"Authorization": "own"}}';
    expect(readJob(own, { headers }).headers).toEqual(["Authorization", "own"]);
  });

  test.each([
    ['{"url": "http://a/" "id": 1}', 21, 'The line is not JSON: expected `,` or `}`, got `"`'],
    ['["http://a/"]\n{', 1, 'Expected an object such as {"url": "https://example.com"}'],
    ['{"id": 1}', 1, "`url` is missing"],
    ['{"id": 1, "url": 5}', 11, "Expected `url` to be a string, got 5"],
    [
      '{"url": "a.example/x"}',
      2,
      "Expected a URL with a scheme, got `a.example/x`: did you mean `https://a.example/x`?",
    ],
    ['{"url": "http://a/", "id": {}}', 22, "Expected `id` to be a string or a number, got an object"],
    ['{"url": "http://a/", "method": "G T"}', 22, "Expected `method` to be an HTTP method, got 'G T'"],
    ['{"url": "http://a/", "headers": []}', 22, "Expected `headers` to be an object, got an array"],
    ['{"url": "http://a/", "headers": {"a": {}}}', 22, "Expected `headers.a` to be a string"],
    ['{"url": "http://a/", "headers": {"a b": "1"}}', 22, "In `headers`, `a b` is not a header name"],
    [
      '{"url": "http://a/", "headers": {"a": "1\\r\\nb: 2"}}',
      22,
      "In `headers`, the header `a` has the character U+000D, which no header can carry",
    ],
    [
      '{"url": "http://a/", "headers": {"Content-Length": "1"}}',
      22,
      "In `headers`, the header `Content-Length` is set by taskwright itself",
    ],
    ['{"url": "http://a/", "header": {}}', 22, "Unknown field `header`: did you mean `headers`?"],
  ])("refuses %s", (text, column, message) => {
    expect(read(text, { format: "jsonl" })[0]).toMatchObject({ line: 1, column, message });
  });

  test("keeps an id whole that JavaScript cannot hold as a number, as text", () => {
    expect(readJob('{"url": "http://a/", "id": 12345678901234567890}').id).toBe("12345678901234567890");
    expect(readJob('{"url": "http://a/", "id": 1e300}').id).toBe("1e300");
    expect(readJob('{"url": "http://a/", "id": 1.5}').id).toBe(1.5);
  });

  test("sends the numbers of a body as they are written, also those that JavaScript cannot hold", () => {
    const body = '{"n":12345678901234567890,"f":[0.10,1.5],"x":-1e400,"i":7}';
    expect(readJob(`{"url": "http://a/", "body": ${body}}`).body).toBe(body);
    expect(readJob('{"body": {"a": 1e999}, "url": "http://a/"}').body).toBe('{"a":1e999}');
  });

  test("lets fields of the user's own pass", () => {
    expect(readJob('{"url": "http://a/", "comment": "x", "ids": 1, "id": 2}').id).toBe(2);
  });

  test("shows no secret in what it reports", () => {
    const line = { id: 7, url: "http://me:secret@a/", headers: { authorization: "secret\n" } };
    const bad = readBad(JSON.stringify(line));
    expect(bad).toMatchObject({ id: 7, url: "http://a/" });
    expect(JSON.stringify(bad)).not.toContain("secret");
    expect(JSON.stringify(readBad('{"url": "http://me:secret@[a/"}'))).not.toContain("secret");
  });

  test("makes a request or a complaint of any line, and never throws", () => {
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom("http://a/", "GET", {}));
    const request = fc.record(
      { id: field, url: field, method: field, headers: field, body: field },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          request.map((value) => JSON.stringify(value)),
          fc.json(),
          fc.string(),
        ),
        (text) => {
          for (const item of read(text, { format: "jsonl" })) {
            expect(item instanceof BadLine ? item.message : item.target.origin).toMatch(/^[A-Z`]|^https?:/);
          }
        },
      ),
    );
  });
});
