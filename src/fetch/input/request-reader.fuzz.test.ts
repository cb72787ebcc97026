/** Any bytes, in any chunks, through the parsers of all formats; and requests through each and back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Job } from "../engine/job.ts";
import type { InputFormat } from "./request-parser.ts";
import { InputProblem } from "./request-parser.ts";
import { RequestReader, type RequestReaderOptions } from "./request-reader.ts";
import { RequestTemplate } from "./request-template.ts";

interface Made {
  /** What can be compared of a request or a bad line, in one line. */
  readonly text: string;
  readonly index: number;
  readonly line: number;
  readonly column: number | undefined;
  /** What people may be shown of it. */
  readonly shown: string;
}

function madeOf(reader: RequestReader, into: Made[]): void {
  for (let next = reader.next(); next !== undefined; next = reader.next()) {
    if (next instanceof Job) {
      const { index, id, method, target, headers, body } = next;
      const text = JSON.stringify([index, id, method, target.url, target.path, headers, body && String(body)]);
      into.push({ text, index, line: index, column: undefined, shown: target.url });
    } else {
      const { index, line, column } = next;
      into.push({ text: JSON.stringify(next), index, line, column, shown: `${next.message} ${next.url}` });
    }
  }
}

/** Reads chunks to the end; an input of which nothing can be made ends where that was seen. */
function read(chunks: readonly Buffer[], options: Partial<RequestReaderOptions>): Made[] {
  const reader = new RequestReader({ headers: ["accept", "*/*"], ...options });
  const made: Made[] = [];
  try {
    for (const chunk of chunks) {
      // Files overwrite what they gave before.
      const shared = Buffer.from(chunk);
      reader.feed(shared);
      madeOf(reader, made);
      shared.fill(0xff);
    }
    reader.end();
    madeOf(reader, made);
  } catch (error) {
    if (!(error instanceof InputProblem)) throw error;
    made.push({ text: `stopped: ${error.message}`, index: 0, line: 0, column: undefined, shown: error.message });
  }
  return made;
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length));
}

const template = new RequestTemplate({
  url: "http://h/{id}?u={url}",
  headers: ["X-Url", "{url}"],
  body: '{"m": "{method}"}',
  bodyKind: "json",
});

const formats: readonly [name: string, options: Partial<RequestReaderOptions>][] = [
  ...([undefined, "urls", "jsonl", "vegeta"] as const).map((format): [string, Partial<RequestReaderOptions>] => [
    format ?? "whatever it is seen as",
    { format },
  ]),
  ["openai-batch", { format: "openai-batch", baseUrl: "http://base" }],
  ["whatever it is seen as, with a base URL", { baseUrl: "http://base" }],
  ["csv", { format: "csv" }],
  ["csv with a template", { format: "csv", template }],
  ["tsv with a template", { format: "tsv", template }],
  ["jsonl with a template", { format: "jsonl", template }],
];

/** Pieces that mean something somewhere, and such that mean nothing anywhere. */
const pieces = [
  "\n",
  "\r\n",
  "\r",
  "\0",
  "\ufeff",
  " ",
  "\t",
  ",",
  ";",
  '"',
  '""',
  "{",
  "}",
  "[",
  "]",
  ":",
  "\\",
  "#",
  "@",
  "//",
  "http://a/",
  "http://me:secret@a/x",
  "https://b/?q=1",
  "ä€😀",
  "%zz",
  "..",
  "GET http://a/\n",
  "POST /p\n",
  "X: secret\n",
  '{"url":"http://a/"}\n',
  '{"url":"http://me:secret@a/","id":1,',
  '"body":{"a":[1,2]}',
  '"headers":{"A":"secret"}',
  "null",
  '{"custom_id":"1","url":"/v1/x","body":{}}\n',
  '{"method":"GET","url":"http://a/","header":{"A":["1"]}}\n',
  "id,url,method\n",
  "id\turl\tmethod\n",
  "1,http://a/,GET\n",
  "1\thttp://a/\tGET\n",
  '"1","x\n',
  'y",2\n',
];
const bytesOfPieces = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...pieces).map((text) => Buffer.from(text)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(Buffer.from([0xff, 0xfe]), Buffer.from([0xc3]), Buffer.from([0xed, 0xa0])),
      },
    ),
    { maxLength: 20 },
  )
  .map((parts) => Buffer.concat(parts));

describe("any bytes", () => {
  test.each(formats)("are the same requests and bad lines however they come: %s", (_name, options) => {
    fc.assert(
      fc.property(
        bytesOfPieces,
        fc.array(fc.nat(200)),
        fc.constantFrom(10, 40, 1_000),
        (bytes, places, maxLineBytes) => {
          const whole = read([bytes], { ...options, maxLineBytes });
          const texts = whole.map(({ text }) => text);
          const pieceByPiece = read(cut(bytes, places), { ...options, maxLineBytes });
          expect(pieceByPiece.map(({ text }) => text)).toEqual(texts);
          const byteByByte = read(
            [...bytes].map((byte) => Buffer.from([byte])),
            { ...options, maxLineBytes },
          );
          expect(byteByByte.map(({ text }) => text)).toEqual(texts);
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each(formats)("leave no line with two results, and say where, within the line: %s", (_name, options) => {
    fc.assert(
      fc.property(bytesOfPieces, (bytes) => {
        const lines = bytes.toString().split("\n");
        const made = read([bytes], { ...options, maxLineBytes: 1_000 }).filter(({ line }) => line > 0);
        expect(new Set(made.map(({ index }) => index)).size).toBe(made.length);
        for (const { line, column = 1 } of made) {
          const length = lines[line - 1]?.length ?? -1;
          if (column < 1 || column > length + 1) throw new Error(`${line}:${column} is outside of the text`);
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each(formats)("show no secrets: %s", (_name, options) => {
    fc.assert(
      fc.property(bytesOfPieces, (bytes) => {
        // What stands in the middle of another URL is a part of its path, and no secret.
        for (const { shown } of read([bytes], options)) expect(shown).not.toMatch(/(?:^|[\s`'])http:\/\/me:secret@/);
      }),
      { numRuns: 300 },
    );
  });

  test("that are one line of each kind, and nothing else, are one request or one bad line", () => {
    const line = fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\n\r"#]/g, "x").trim());
    fc.assert(
      fc.property(line, fc.constantFrom<InputFormat>("urls", "jsonl"), (text, format) => {
        fc.pre(text !== "" && !text.startsWith("\ufeff"));
        expect(read([Buffer.from(text)], { format })).toHaveLength(1);
      }),
    );
  });
});

/** A request, as it should come back: null where it has none of that. */
interface Wanted {
  readonly id: string | null;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly [name: string, value: string][];
  readonly body: string | null;
}

const word = fc.stringMatching(/^[a-z]{1,8}$/).map((text) => `x${text}`);
const wanted: fc.Arbitrary<Wanted> = fc.record({
  id: fc.option(fc.string({ unit: "binary" }).filter((text) => text.isWellFormed() && text !== "")),
  method: fc.constantFrom("GET", "PUT", "DELETE", "PATCH"),
  url: fc.tuple(word, fc.webPath()).map(([host, path]) => new URL(`http://${host}.example/x${path}`).href),
  headers: fc.uniqueArray(fc.tuple(word, fc.stringMatching(/^[!-~]([ -~]{0,10}[!-~])?$/)), {
    selector: ([name]) => name,
  }),
  body: fc.option(fc.string({ unit: "binary", minLength: 1 }).filter((text) => text.isWellFormed())),
});

interface Form {
  readonly name: string;
  readonly options: Partial<RequestReaderOptions>;
  /** What of the request it can say. */
  readonly fit: (request: Wanted) => Wanted;
  readonly write: (requests: readonly Wanted[]) => string;
}

const bare = { id: null, headers: [], body: null };
const escaped = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const jsonLines = (requests: readonly Wanted[], of: (request: Wanted) => unknown): string =>
  requests.map((request) => `${JSON.stringify(of(request))}\n`).join("");

const forms: readonly Form[] = [
  {
    name: "urls",
    options: {},
    fit: ({ url }) => ({ ...bare, method: "GET", url }),
    write: (requests) => requests.map(({ url }) => `${url}\r\n`).join(""),
  },
  {
    name: "jsonl",
    options: { format: "jsonl" },
    fit: (request) => request,
    write: (requests) => jsonLines(requests, (one) => ({ ...one, headers: Object.fromEntries(one.headers) })),
  },
  {
    name: "openai-batch",
    options: { format: "openai-batch", baseUrl: "http://api.example/base" },
    fit: ({ id, method, url, body }) => ({
      id: id ?? "x",
      method,
      url: `http://api.example/base${new URL(url).pathname}`,
      headers: [["content-type", "application/json"]],
      body: JSON.stringify({ text: body }),
    }),
    write: (requests) =>
      jsonLines(requests, ({ id, method, url, body }) => ({
        custom_id: id,
        method,
        url: url.slice("http://api.example/base".length),
        body: JSON.parse(body!) as unknown,
      })),
  },
  {
    name: "vegeta, HTTP",
    options: { format: "vegeta" },
    fit: (request) => ({ ...request, id: null, body: null }),
    write: (requests) =>
      requests
        .map(({ method, url, headers }) => `${method} ${url}\n${headers.map(([a, b]) => `${a}: ${b}\n`).join("")}\n`)
        .join(""),
  },
  {
    name: "vegeta, JSON",
    options: { format: "vegeta" },
    fit: (request) => ({ ...request, id: null }),
    write: (requests) =>
      jsonLines(requests, ({ method, url, headers, body }) => ({
        method,
        url,
        header: Object.fromEntries(headers.map(([name, value]) => [name, [value]])),
        body: body === null ? null : Buffer.from(body).toString("base64"),
      })),
  },
  ...([",", "\t"] as const).map((delimiter): Form => ({
    name: delimiter === "," ? "csv" : "tsv",
    options: {
      format: delimiter === "," ? "csv" : "tsv",
      template: new RequestTemplate({
        url: "{+url}",
        headers: ["x-same", "{same}"],
        body: "{body}",
        bodyKind: "json",
        method: "PUT",
      }),
    },
    fit: ({ id, url, body, headers }) => ({
      id,
      method: "PUT",
      url,
      headers: [["x-same", headers[0]?.[1] ?? "1"]],
      body: JSON.stringify(body?.length ?? null),
    }),
    write: (requests) =>
      ["id", "url", "same", "body"].join(delimiter) +
      requests
        .map(({ id, url, headers, body }) =>
          [id ?? "", url, headers[0]![1], body!].map((field) => escaped(field)).join(delimiter),
        )
        .map((record) => `\n${record}`)
        .join(""),
  })),
];

test.each(forms)("requests come back as they were written: $name", ({ options, fit, write }) => {
  fc.assert(
    fc.property(fc.array(wanted.map(fit), { maxLength: 5 }), fc.array(fc.nat(500)), (requests, places) => {
      const reader = new RequestReader({ headers: [], ...options });
      const found: unknown[] = [];
      const take = (): void => {
        for (let next = reader.next(); next !== undefined; next = reader.next()) {
          if (!(next instanceof Job)) throw new Error(`line ${next.line}: ${next.message}`);
          const { id = null, method, target, headers, body = null } = next;
          const pairs = Array.from({ length: headers.length / 2 }, (_, index) =>
            headers.slice(2 * index, 2 * index + 2),
          );
          found.push({ id, method, url: target.url, headers: pairs, body: body === null ? null : String(body) });
        }
      };
      for (const chunk of cut(Buffer.from(write(requests)), places)) {
        reader.feed(chunk);
        take();
      }
      reader.end();
      take();
      expect(found).toEqual(requests);
    }),
  );
});
