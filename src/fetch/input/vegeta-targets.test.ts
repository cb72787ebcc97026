import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Job } from "../engine/job.ts";
import { RequestReader, type RequestReaderOptions } from "./request-reader.ts";

const folder = mkdtempSync(join(tmpdir(), "taskwright-vegeta-"));
const file = join(folder, "body.json");
writeFileSync(file, '{"a": 1}\n');
afterAll(() => rmSync(folder, { recursive: true }));

/** What each target became, in one line: index, request, headers, body; or line, column and message. */
function read(text: string | Buffer, options: Partial<RequestReaderOptions> = {}): string[] {
  const reader = new RequestReader({ headers: [], ...options });
  const found: string[] = [];
  const drain = (): void => {
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      if (next instanceof Job) {
        const body = next.body === undefined ? "" : ` ${JSON.stringify(String(next.body))}`;
        found.push(`${next.index} ${next.method} ${next.target.url} ${next.headers.join(",")}${body}`);
      } else found.push(`${next.line}:${next.column}: ${next.message}`);
    }
  };
  reader.feed(typeof text === "string" ? Buffer.from(text) : text);
  drain();
  reader.end();
  drain();
  return found;
}

const vegeta = { format: "vegeta" } as const;

describe("targets of vegeta in HTTP format", () => {
  test("have headers and a body, and end with a blank line, the next target, or the input", () => {
    const text = [
      "# an attack",
      "",
      "GET http://a/1",
      "POST http://a/2",
      "X-Id: 7",
      "x-id: 8",
      `@${file}`,
      "",
      "",
      "  DELETE   http://me:secret@a/3  ",
      "# not a header",
      "Token: a: b",
    ].join("\r\n");
    expect(read(text, vegeta)).toEqual([
      "3 GET http://a/1 ",
      '4 POST http://a/2 X-Id,7,x-id,8 "{\\"a\\": 1}\\n"',
      `10 DELETE http://a/3 Token,a: b,authorization,Basic ${btoa("me:secret")}`,
    ]);
  });

  test("are recognised by the first of them; then they get no files", () => {
    expect(read("GET http://a/\n")).toEqual(["1 GET http://a/ "]);
    expect(read(`# x\n\nPOST http://a/\n@${file}\n\nGET http://a/2`)).toEqual([
      "4:1: Files as bodies have to be asked for: --input-format vegeta",
      "6 GET http://a/2 ",
    ]);
  });

  test("take what they do not say from the flags", () => {
    const defaults = { headers: ["x-id", "1", "accept", "*/*"], body: "of all", baseUrl: "http://b" };
    expect(read("PUT /x\nX-Id: 2", { ...vegeta, ...defaults })).toEqual([
      '1 PUT http://b/x X-Id,2,accept,*/* "of all"',
    ]);
  });

  test.each([
    ["http://a/", "1:1: Expected a target such as `GET https://example.com/`"],
    ["CONNECT http://a/", "1:1: Expected an HTTP method, got 'CONNECT'"],
    ["GET  http://a/ b", "1:15: A URL cannot contain spaces: write a space as %20, and one URL a line"],
    ["GET http://[", "1:5: Expected an http or https URL, got `http://[`"],
    ["GET http://a/\n secret", "2:2: Expected `NAME: VALUE`, `@FILE` or a blank line"],
    ["GET http://a/\n: secret", "2:1: Expected `NAME: VALUE`, `@FILE` or a blank line"],
    ["GET http://a/\na b: secret", "2:1: Wrong header: `a b` is not a header name"],
    [
      "GET http://a/\na: se\0cret",
      "2:1: Wrong header: the header `a` has the character U+0000, which no header can carry",
    ],
    [`GET http://a/\n@${folder}`, `2:1: Cannot read the body: \`${folder}\` is no file`],
    ["GET http://a/\n@/nowhere", "2:1: Cannot read the body: ENOENT: no such file or directory, open '/nowhere'"],
    [
      "GET http://a/\n@http://me:secret@b/",
      "2:1: Cannot read the body: ENOENT: no such file or directory, open 'http://b/'",
    ],
    [`GET http://a/\n@${file}\na: b`, "3:1: Expected a blank line after the body"],
  ])("that are wrong are refused once, with the line that is: %j", (text, message) => {
    expect(read(`${text}\nalso: this\n\nGET http://a/good`, vegeta)).toEqual([
      message,
      `${text.split("\n").length + 3} GET http://a/good `,
    ]);
  });

  test("are refused whole where a line of them cannot be read, so that nothing is sent without its headers", () => {
    const found = read(Buffer.from("GET http://a/\nX: \u00ff\nY: 1\n\nGET http://a/2\n", "latin1"), vegeta);
    expect(found).toEqual(["2:4: The line is not valid UTF-8", "5 GET http://a/2 "]);
  });

  test("may have no more than 1 MiB of headers", () => {
    const text = `GET http://a/\n${`x: ${"y".repeat(1_000)}\n`.repeat(1_100)}\nGET http://a/2`;
    expect(read(text, vegeta)).toEqual(["1047:1: The headers are longer than 1 MiB", "1103 GET http://a/2 "]);
  });
});

describe("targets of vegeta in JSON format", () => {
  test("have a body in base64, and lists of headers", () => {
    const body = Buffer.from([0x61, 0xff]).toString("base64");
    const line = JSON.stringify({ method: "POST", url: "http://a/", body, header: { A: ["1", "2"] } });
    expect(read(`${line}\n{"method": "GET", "url": "http://a/2"}`)).toEqual([
      `1 POST http://a/ A,1,A,2 ${JSON.stringify("a\ufffd")}`,
      "2 GET http://a/2 ",
    ]);
    expect(read('{"method": "GET", "url": "http://a/"}', vegeta)).toEqual(["1 GET http://a/ "]);
  });

  test.each([
    ['{"url": "http://a/"}', "1:1: `method` is missing"],
    ['{"method": "GET"}', "1:1: `url` is missing"],
    ['{"method": "GET", "url": "http://a/", "body": "hello"}', "1:39: Expected `body` to be in base64"],
    ['{"method": "GET", "url": "http://a/", "header": []}', "1:39: Expected `header` to be an object, got an array"],
  ])("that are wrong are refused: %s", (text, message) => {
    expect(read(text, vegeta)).toEqual([message]);
  });
});
