import { FileBody } from "./file-body.ts";
import { type ByteSource, isBlob, isByteSource } from "./request/byte-source.ts";
import { checkType, wrong } from "./request/check.ts";
import type { Segment } from "./request/joined-source.ts";
import { type FormPart, unknownType, withLineEnds } from "./request/multipart-writer.ts";

/** A part of a form, with a name and a type of its own. */
export interface MultipartPart {
  /** What it holds. */
  readonly content: string | Uint8Array | Blob | FileBody | ByteSource;
  /** Makes text a file. @default `blob` for all but text, files and what has a name; none for text */
  readonly filename?: string;
  /** The media type. @default `application/octet-stream` for files, none for text */
  readonly type?: string;
}

/**
 * What a field of a form may be. Text, numbers and booleans are fields; all else is sent as a file, an iterable as the
 * connection takes it.
 */
export type MultipartValue = string | number | boolean | Uint8Array | Blob | FileBody | ByteSource | MultipartPart;

/** The fields of a form: an object, or pairs where a name comes several times. An array gives a part for each of its items. */
export type MultipartFields =
  | Readonly<Record<string, MultipartValue | readonly MultipartValue[] | undefined>>
  | Iterable<readonly [name: string, value: MultipartValue]>;

/** A form to be sent as multipart/form-data: made by {@link multipart}. */
export class MultipartBody {
  readonly #parts: readonly FormPart[];

  /** @internal */
  constructor(parts: readonly FormPart[]) {
    this.#parts = parts;
  }

  /** @internal */
  get parts(): readonly FormPart[] {
    return this.#parts;
  }
}

/**
 * A form with files, to be sent as the body of a request. Its length goes along where those of all its parts are known,
 * and it can be sent again unless a part is an iterable. The platform's `FormData` can be sent as well.
 *
 * Names, text and filenames are written as browsers do: line ends become `\r\n`, and in names quotes become `%22`.
 *
 * Cancel: not applicable, it never waits.
 *
 * @throws {TypeError} a field is nothing that can be sent
 *
 * @example
 * ```ts
 * import { file, multipart, openSession } from "taskwright/http";
 *
 * await using session = openSession({ baseUrl: "https://api.example.com/" });
 * const form = multipart({
 *   title: "Lake",
 *   photo: file("lake.jpg", { type: "image/jpeg" }),
 *   notes: { content: "seen from above", filename: "notes.txt", type: "text/plain" },
 * });
 * await session.post("photos", { body: form });
 * ```
 */
export function multipart(fields: MultipartFields): MultipartBody {
  if (typeof fields !== "object" || fields === null) throw new TypeError(wrong("fields", "an object or pairs", fields));
  const parts: FormPart[] = [];
  if (Symbol.iterator in fields) {
    for (const [name, value] of fields as Iterable<readonly [string, MultipartValue]>)
      parts.push(readPart(name, value));
  } else {
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      for (const one of Array.isArray(value) ? (value as MultipartValue[]) : [value]) parts.push(readPart(name, one));
    }
  }
  return new MultipartBody(parts);
}

function readPart(name: unknown, value: unknown): FormPart {
  if (typeof name !== "string") throw new TypeError(wrong("fields", "named by strings", name));
  switch (typeof value) {
    case "string":
      return { name, content: withLineEnds(value), filename: undefined, type: undefined };
    case "number":
    case "boolean":
      return { name, content: String(value), filename: undefined, type: undefined };
    default:
      return isPart(value) ? readDescribed(name, value) : readFile(name, value, undefined, undefined);
  }
}

function isPart(value: unknown): value is MultipartPart {
  return typeof value === "object" && value !== null && "content" in value && !isByteSource(value);
}

function readDescribed(name: string, { content, filename, type }: MultipartPart): FormPart {
  if (filename !== undefined && typeof filename !== "string") {
    throw new TypeError(wrong(`${name}.filename`, "a string", filename));
  }
  if (type !== undefined) checkType(`${name}.type`, type);
  if (typeof content !== "string") return readFile(name, content, filename, type);
  return filename === undefined
    ? { name, content: withLineEnds(content), filename, type }
    : { name, content: Buffer.from(content), filename, type: type ?? unknownType };
}

function readFile(name: string, value: unknown, filename: string | undefined, type: string | undefined): FormPart {
  const named = value as { name?: unknown; filename?: unknown; type?: unknown };
  const own = isBlob(value) ? named.name : value instanceof FileBody ? value.filename : undefined;
  const ownType = isBlob(value) || value instanceof FileBody ? value.type || undefined : undefined;
  const itsName = filename ?? (typeof own === "string" ? own : "blob");
  return { name, content: readContent(name, value), filename: itsName, type: type ?? ownType ?? unknownType };
}

function readContent(name: string, value: unknown): Segment {
  if (value instanceof FileBody) return value.source;
  if (value instanceof Uint8Array || isBlob(value) || isByteSource(value)) return value;
  throw new TypeError(wrong(name, "text, bytes, a Blob, a file or an iterable of bytes", value));
}
