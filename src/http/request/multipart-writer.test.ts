import fc from "fast-check";
import { expect, test } from "vitest";
import { file } from "../file-body.ts";
import { type MultipartValue, multipart } from "../multipart.ts";
import type { OutgoingBody } from "./outgoing-body.ts";
import { type BodyInput, encodeBody } from "./request-body.ts";
import { Upload } from "./upload.ts";

/** A body as it goes over the wire, and the length that was announced for it. */
async function sent({ content, length }: OutgoingBody): Promise<{ bytes: Buffer; length: number | undefined }> {
  if (typeof content === "string" || content instanceof Uint8Array) {
    return { bytes: Buffer.from(content as Uint8Array), length: Buffer.byteLength(content) };
  }
  const upload = new Upload(content, false);
  const announced = length ?? (await upload.measure());
  const pieces = await Array.fromAsync(upload, (piece) => Buffer.from(piece as Uint8Array));
  return { bytes: Buffer.concat(pieces), length: announced };
}

/** What Node's parser of forms makes of a body. */
async function parsed(body: BodyInput): Promise<FormData> {
  const encoded = encodeBody(body);
  const { bytes, length } = await sent(encoded);
  expect(length ?? bytes.length).toBe(bytes.length);
  return await new Response(bytes, { headers: { "content-type": encoded.contentType! } }).formData();
}

/** Escapes are not themselves escaped in the standard: what looks like one is read as one. */
function unescaped(text: string): string {
  return text.replaceAll(/%0a/gi, "\n").replaceAll(/%0d/gi, "\r").replaceAll("%22", '"');
}

function withLineEnds(text: string): string {
  return text.replaceAll(/\r?\n|\r/g, "\r\n");
}

interface Entry {
  readonly name: string;
  readonly text?: string;
  readonly file?: { readonly bytes: Buffer; readonly name: string; readonly type: string };
}

async function entriesOf(form: FormData): Promise<Entry[]> {
  return await Promise.all(
    Array.from(form, async ([name, value]): Promise<Entry> => {
      if (typeof value === "string") return { name, text: value };
      return { name, file: { bytes: Buffer.from(await value.bytes()), name: value.name, type: value.type } };
    }),
  );
}

const nasty = fc.constantFrom(
  "\r",
  "\n",
  "\r\n",
  '"',
  "\\",
  ";",
  "%",
  "%22",
  "%0d",
  "--",
  "ä",
  "𝄞",
  "\0",
  "=",
  ":",
  "\t",
);
const anyName = fc
  .array(fc.oneof(nasty, fc.string({ unit: "grapheme", maxLength: 4 })), { maxLength: 5 })
  .map((all) => all.join(""));
const anyType = fc.constantFrom("text/plain", "application/octet-stream", "image/svg+xml", "text/html;charset=utf-8");
const anyContent = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom("\r\n", "--", "\r\n--", "\r\n----taskwright-", "").map((text) => Buffer.from(text)),
  fc.nat(200_000).map((n) => Buffer.alloc(n, "\r\n--x")),
);

const anyField = fc.record({ name: anyName, text: anyName });
const anyFile = fc.record({ name: anyName, bytes: anyContent, filename: anyName, type: anyType, form: fc.nat(4) });
type Field = { readonly name: string; readonly text: string };
type FileField = { name: string; bytes: Uint8Array; filename: string; type: string; form: number };

const isFile = (field: Field | FileField): field is FileField => "bytes" in field;

/** The same file in the different forms in which it can be given. */
function given({ bytes, filename, type, form }: FileField): MultipartValue {
  const copy = new Uint8Array(bytes);
  switch (form) {
    case 0:
      return new File([copy], filename, { type });
    case 1:
      return { content: new Blob([copy], { type }), filename };
    case 2:
      return { content: copy, filename, type };
    case 3:
      return {
        content: (async function* () {
          yield* [copy.subarray(0, 5), copy.subarray(5)];
        })(),
        filename,
        type,
      };
    default:
      return { content: [copy].values(), filename, type };
  }
}

function expected(field: Field | FileField): Entry {
  const name = unescaped(withLineEnds(field.name));
  if (!isFile(field)) return { name, text: withLineEnds(field.text) };
  const { bytes, filename, type } = field;
  return { name, file: { bytes: Buffer.from(bytes), name: unescaped(filename), type } };
}

test("whatever a form holds, a reader of forms finds it again", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(anyField, anyFile), { minLength: 1, maxLength: 5 }), async (fields) => {
      const body = multipart(fields.map((field) => [field.name, isFile(field) ? given(field) : field.text] as const));
      expect(await entriesOf(await parsed(body))).toEqual(fields.map(expected));
    }),
    { numRuns: 300 },
  );
});

function boundaryOf(type: string): string {
  return type.slice(type.indexOf("boundary=") + "boundary=".length);
}

test("the platform's FormData is written as the platform writes it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(anyField, anyFile), { minLength: 1, maxLength: 5 }), async (fields) => {
      const form = new FormData();
      for (const field of fields) {
        // Of empty filenames Node makes none, browsers empty ones.
        if (isFile(field))
          form.append(field.name, new File([new Uint8Array(field.bytes)], field.filename || "x", { type: field.type }));
        else form.append(field.name, field.text);
      }
      const ours = encodeBody(form);
      const { bytes, length } = await sent(ours);
      expect(length).toBe(bytes.length);
      const theirs = new Response(form);
      const [our, their] = [boundaryOf(ours.contentType!), boundaryOf(theirs.headers.get("content-type")!)];
      const text = Buffer.from(await theirs.bytes()).toString("latin1");
      expect(bytes.toString("latin1").replaceAll(our, "B")).toBe(text.replaceAll(their, "B"));
    }),
    { numRuns: 150 },
  );
});

test("nobody can foresee the boundary", () => {
  const types = new Set(Array.from({ length: 100 }, () => encodeBody(multipart({ a: "1" })).contentType));
  expect(types.size).toBe(100);
  for (const type of types) expect(type).toMatch(/^multipart\/form-data; boundary=----taskwright-[\da-f]{32}$/);
});

test("fields are what they are given as", async () => {
  const form = await parsed(
    multipart({
      text: "a",
      number: 5,
      yes: true,
      none: undefined,
      list: ["a", 1, new Uint8Array([65])],
      empty: [],
      typed: { content: "{}", type: "application/json" },
    }),
  );
  expect(await entriesOf(form)).toEqual([
    { name: "text", text: "a" },
    { name: "number", text: "5" },
    { name: "yes", text: "true" },
    { name: "list", text: "a" },
    { name: "list", text: "1" },
    { name: "list", file: { bytes: Buffer.from("A"), name: "blob", type: "application/octet-stream" } },
    { name: "typed", text: "{}" },
  ]);
});

test("a file has the name and type that it has, or that it is given", async () => {
  const path = import.meta.filename;
  const named = new File(["x"], "own.txt", { type: "text/plain" });
  const form = await parsed(
    multipart({
      file: file(path),
      typed: file(path, { filename: "a.ts", type: "text/typescript" }),
      renamed: { content: file(path, { type: "text/typescript" }), filename: "b.ts" },
      named,
      blob: new Blob(["x"]),
      retyped: { content: named, filename: "c.html", type: "text/html" },
      text: { content: "x\ny", filename: "d.txt" },
    }),
  );
  const files = (await entriesOf(form)).map(({ file: found }) => [found?.name, found?.type]);
  expect(files).toEqual([
    ["multipart-writer.test.ts", "application/octet-stream"],
    ["a.ts", "text/typescript"],
    ["b.ts", "text/typescript"],
    ["own.txt", "text/plain"],
    ["blob", "application/octet-stream"],
    ["c.html", "text/html"],
    ["d.txt", "application/octet-stream"],
  ]);
  expect(await (form.get("text") as File).text()).toBe("x\ny");
});

test("the same form can be sent several times, and again, unless a part of it is given once", () => {
  const text = multipart({ a: "1" });
  expect(encodeBody(text).contentType).not.toBe(encodeBody(text).contentType);
  const files = multipart({ a: new Blob(["x"]), b: file(import.meta.filename), c: new Uint8Array(5) });
  expect(encodeBody(files)).toMatchObject({ isRepeatable: true, length: undefined });
  expect(encodeBody(multipart({ a: new Blob(["x"]) }))).toMatchObject({ isRepeatable: true });
  expect(encodeBody(multipart({ a: [["x"].values()] }))).toMatchObject({ isRepeatable: false, length: undefined });
});

test.each<[string, unknown, string]>([
  ["nothing", null, "Expected `fields` to be an object or pairs, got `null`"],
  ["a name that is none", [[1, "a"]], "Expected `fields` to be named by strings, got `1` (number)"],
  ["null", { a: null }, "Expected `a` to be text, bytes, a Blob, a file or an iterable of bytes, got `null`"],
  [
    "an object",
    { a: { b: 1 } },
    "Expected `a` to be text, bytes, a Blob, a file or an iterable of bytes, got an object",
  ],
  ["a content that is none", { a: { content: 5 } }, "Expected `a` to be text"],
  ["a filename that is none", { a: { content: "x", filename: 5 } }, "Expected `a.filename` to be a string"],
  ["a type with a line end", { a: { content: "x", type: "a/b\r\nx: y" } }, "Expected `a.type` to be a media type"],
])("%s is refused at the door", (_name, fields, message) => {
  expect(() => multipart(fields as never)).toThrow(message);
});
