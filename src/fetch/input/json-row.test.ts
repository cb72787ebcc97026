import { describe, expect, test } from "vitest";
import { Job } from "../engine/job.ts";
import { RequestReader, type RequestReaderOptions } from "./request-reader.ts";
import { RequestTemplate, type RequestTemplateOptions } from "./request-template.ts";

/** What a line becomes: URL, body and headers; or column and message. */
function read(
  line: unknown,
  template: Partial<RequestTemplateOptions>,
  options: Partial<RequestReaderOptions> = {},
): unknown {
  const reader = new RequestReader({
    headers: [],
    template: new RequestTemplate({ url: "http://a/{id}", headers: [], bodyKind: "json", ...template }),
    ...options,
  });
  reader.feed(Buffer.from(typeof line === "string" ? line : JSON.stringify(line)));
  reader.end();
  const made = reader.next()!;
  if (!(made instanceof Job)) return `${made.column}: ${made.message}`;
  const { id, method, target, headers, body } = made;
  return { id, method, url: target.url, headers, body };
}

describe("a line of JSONL that fills in a template", () => {
  test("gives its fields to URL, headers and body, and none of it is a part of the request by its name", () => {
    const line = { id: 7, name: 'x "y"', tags: ["a"], url: "http://no/", method: "DELETE", body: "no", header: 1 };
    const template = {
      url: "http://a/{id}?q={name}",
      headers: ["X-Same", "1", "X-Name", "<{name}>"],
      body: '{"n": "{name}", "t": {tags}, "i": {id}}',
    };
    expect(read(line, template)).toEqual({
      id: 7,
      method: "POST",
      url: "http://a/7?q=x%20%22y%22",
      headers: ["X-Name", '<x "y">', "X-Same", "1"],
      body: '{"n": "x \\"y\\"", "t": ["a"], "i": 7}',
    });
  });

  test("keeps the digits of numbers that JavaScript cannot hold", () => {
    const line = '{"b": {"id": 1, "b": 12345678901234567999}, "id": 12345678901234567890, "c": [{"id": 5}]}';
    const body = '{"i": {id}, "b": {b}}';
    expect(read(line, { body })).toMatchObject({ url: "http://a/12345678901234567890" });
    expect(read('{"id": 0.1}', {})).toMatchObject({ url: "http://a/0.1" });
  });

  test("takes the id from a field of another name, or has none", () => {
    expect(read({ id: "a", key: "k" }, {}, { idField: "key" })).toMatchObject({ id: "k" });
    expect(read({ id: true }, {})).toMatchObject({ id: undefined, url: "http://a/true" });
    expect(read({ id: "a" }, {}, { idField: "key" })).toMatchObject({ id: undefined });
  });

  test.each([
    ['{"ids": 1}', "1: `id` is missing"],
    ['{"constructor": 1}', "1: `id` is missing"],
    ['  {"x": 1, "id": null}', "12: Expected `id` to be text, a number, true or false, got null"],
    ['{"id": []}', "2: Expected `id` to be text, a number, true or false, got an array"],
    ['{"id": {}}', "2: Expected `id` to be text, a number, true or false, got an object"],
    ["[1]", '1: Expected an object such as {"id": "..."}'],
  ])("is refused where it has not what is needed: %s", (line, message) => {
    expect(read(line, {}, { format: "jsonl" })).toBe(message);
  });

  test("cannot put a header on the wire that is none", () => {
    const template = { headers: ["X-Name", "{name}"] };
    expect(read({ id: 1, name: "secret\r\nX: 1" }, template)).toBe(
      "1: In `headers`, the header `X-Name` has the character U+000D, which no header can carry",
    );
  });
});
