import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Job } from "../engine/job.ts";
import { BadLine } from "./line-splitter.ts";
import { RequestReader, type RequestReaderOptions } from "./request-reader.ts";
import { RequestTemplate } from "./request-template.ts";

const template = new RequestTemplate({ url: "http://a/?q={q}", headers: [], bodyKind: "json", body: '{"n": "{n}"}' });

/** What each record became: index, id, URL and body; or line, column and message. */
function read(text: string | Buffer, options: Partial<RequestReaderOptions> = {}): string[] {
  const reader = new RequestReader({ headers: [], template, format: "csv", ...options });
  const found: string[] = [];
  const drain = (): void => {
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      if (next instanceof Job) {
        const body = typeof next.body === "string" ? ` ${next.body}` : "";
        found.push(`${next.index} ${next.id ?? "-"} ${next.target.url}${body}`);
      } else found.push(`${next.line}:${next.column ?? ""}: ${next.message}`);
    }
  };
  reader.feed(Buffer.from(text as string));
  drain();
  reader.end();
  drain();
  return found;
}

/** All records of a table with the fields `q` and `n`, or the first thing that is wrong. */
function recordsOf(text: string, delimiter: "," | "\t"): [q: string, n: string][] | BadLine {
  const format = delimiter === "," ? "csv" : "tsv";
  const reader = new RequestReader({ headers: [], template, format });
  const records: [string, string][] = [];
  reader.feed(Buffer.from(`q${delimiter}n\n${text}`));
  const drain = (): BadLine | undefined => {
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      if (next instanceof BadLine) return next;
      const { n } = JSON.parse(next.body as string) as { n: string };
      records.push([new URL(next.target.url).searchParams.get("q")!, n]);
    }
    return undefined;
  };
  const bad = drain();
  reader.end();
  return bad ?? drain() ?? records;
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** The format of an input that begins with `text`. */
function seen(text: string, options: Partial<RequestReaderOptions>): string | undefined {
  const reader = new RequestReader({ headers: [], ...options });
  reader.feed(Buffer.from(text));
  reader.next();
  return reader.format;
}

describe("a table", () => {
  test("names its fields in the first record; a field may hold delimiters, line ends and quotes, in quotes", () => {
    const text = '\ufeff id , "q" ,n,x\r\n7,a b,1,\r\n\r\n"8","c,""d""\r\ne\nf","2"\n,g"h", 3,\n9,"",4,"""""';
    // The header has a quote that is no quote, because of the space before it.
    expect(() => read(text)).toThrow('The header has no field `q`: it has `id`, `"q"`, `n`, `x`');
    expect(read(text.replace(' "q" ', "q"))).toEqual([
      '2 7 http://a/?q=a%20b {"n": "1"}',
      "4:: Expected 4 fields, as in the header, got 3",
      '7 - http://a/?q=g%22h%22 {"n": " 3"}',
      "8:8: The quote is not closed",
    ]);
  });

  test("keeps the line ends within quotes as they are", () => {
    expect(recordsOf('"a\r\nb\nc\r\r\n","x"\r\n', ",")).toEqual([["a\r\nb\nc\r\r\n", "x"]]);
  });

  test("is read as another reads it, if nothing is wrong with it", () => {
    const piece = fc.constantFrom("a", "b", '"', '""', ",", "\n", "\r\n", " ", "\t", "ä", '"a', 'b"', '",', "x,y");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), fc.constantFrom(",", "\t"), (pieces, delimiter) => {
        const text = pieces.join("");
        const ours = recordsOf(text, delimiter);
        fc.pre(!(ours instanceof BadLine));
        const options = { delimiter, relax_quotes: true, skip_empty_lines: true, record_delimiter: ["\n", "\r\n"] };
        expect(ours).toEqual(parse(text, options));
      }),
      { numRuns: 2_000 },
    );
  });

  test("gives back what was written into it", () => {
    const value = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed() && !text.includes("\ufeff"));
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value)), fc.constantFrom("\n", "\r\n"), (rows, end) => {
        const text = rows.map(([q, n]) => `${quoted(q)},${quoted(n)}${end}`).join("");
        expect(recordsOf(text, ",")).toEqual(rows);
        expect(recordsOf(text.replaceAll('","', '"\t"'), "\t")).toEqual(
          rows.map((row) => row.map((one) => one.replaceAll('","', '"\t"'))),
        );
      }),
    );
  });

  test.each([
    ["1,2,3", "2:: Expected 2 fields, as in the header, got 3"],
    ["1", "2:: Expected 2 fields, as in the header, got 1"],
    ['"1"x,2', "2:4: Expected a comma or the end of the line after a quote"],
    ['1,"2\n3"x', "3:3: Expected a comma or the end of the line after a quote"],
  ])("has bad records, after which it goes on: %j", (record, message) => {
    expect(read(`q,n\n${record}\nx,y\n`).map((line) => line.replace(/^\d+ /, ""))).toEqual([
      message,
      '- http://a/?q=x {"n": "y"}',
    ]);
  });

  test("tells of a line of a record that is not UTF-8, and reads the record to its end all the same", () => {
    const text = Buffer.from('q,n\n"a\n\u00ff\nb",2\nx,y\n"\u00ff\n",1\nz,z', "latin1");
    expect(read(text)).toEqual([
      "3:1: The line is not valid UTF-8",
      '5 - http://a/?q=x {"n": "y"}',
      "6:2: The line is not valid UTF-8",
      '8 - http://a/?q=z {"n": "z"}',
    ]);
  });

  test("gives up a quote that takes in more than a line may have, and goes on after it", () => {
    const text = `q,n\n1,"${"x\n".repeat(70)}y,z\n`;
    const [first, ...rest] = read(text, { maxLineBytes: 50 });
    expect(first).toBe("2:3: The quote is not closed in time");
    expect(rest.at(-1)).toBe('72 - http://a/?q=y {"n": "z"}');
    expect(read(`q,n\n1,"${"x".repeat(60)}\n2,3\n`, { maxLineBytes: 50 })).toEqual([
      "2:: The line is longer than 50 bytes",
      '3 - http://a/?q=2 {"n": "3"}',
    ]);
  });

  test.each([
    ["q,m\n1,2", "The header has no field `n`: it has `q`, `m`"],
    ["q;n\n1;2", "The header has no field `q`: it has `q;n`"],
    ["q,n,q\n1,2,3", "The header has 2 fields `q`: it has `q`, `n`, `q`"],
    ['q,"n\n1,2', "The header cannot be read: line 1: The quote is not closed"],
    ["q,\u00ff\n1,2", "The header cannot be read: line 1: The line is not valid UTF-8"],
  ])("whose header is wrong is of no use: %j", (text, message) => {
    expect(() => read(Buffer.from(text, "latin1"))).toThrow(message);
  });

  test("needs no template if a field is the URL", () => {
    const plain = { template: undefined };
    expect(read("name,url,id\nx,http://a/1,7\ny,nonsense,\n", plain)).toEqual([
      "2 7 http://a/1",
      "3:3: Expected an http or https URL, got `nonsense`",
    ]);
    expect(read("link,key\nhttp://a/1,8\n", { ...plain, urlField: "link", idField: "key" })).toEqual([
      "2 8 http://a/1",
    ]);
    expect(() => read("link\nx", plain)).toThrow("The header has no field `url`");
    expect(() => read("url\nx", { ...plain, idField: "key" })).toThrow("The header has no field `key`");
  });

  test("is recognised by a template, by a field for the URL, or by its name, but not in place of URLs", () => {
    expect(seen("q,n\n", { template })).toBe("csv");
    expect(seen("q\tn\n", { template })).toBe("tsv");
    expect(seen('{"q": 1}\n', { template })).toBe("jsonl");
    expect(seen("url,x\n", { urlField: "url" })).toBe("csv");
    expect(seen("url,x\n", { formatByName: "csv" })).toBe("csv");
    expect(seen("http://a/,x\n", { formatByName: "csv" })).toBe("urls");
    expect(seen("url,x\n", {})).toBe("urls");
  });

  test("takes only what is a value of JSON for one, outside of quotes", () => {
    const json = new RequestTemplate({ url: "http://a/", headers: [], bodyKind: "json", body: "[{v}]" });
    const text = "v\n1\n-0.5e3\n true \nnull\n01\n1 2\n{}\nabc\n";
    const why = '`v` is no number, true, false or null: write "{v}", in quotes, for text';
    expect(read(text, { template: json })).toEqual([
      "2 - http://a/ [1]",
      "3 - http://a/ [-0.5e3]",
      "4 - http://a/ [true]",
      "5 - http://a/ [null]",
      ...[6, 7, 8, 9].map((line) => `${line}:1: ${why}`),
    ]);
  });

  test("shows no value of a field in what it reports", () => {
    const secret = new RequestTemplate({ url: "http://a/", headers: ["Token", "{t}"], bodyKind: "json", body: "{t}" });
    expect(read("t\nsecret\n", { template: secret }).join("")).not.toContain("secret");
    expect(read('url\nhttp://me:secret@[x\n"http://me:secret@[x"', { template: undefined }).join("")).not.toContain(
      "secret",
    );
  });
});
