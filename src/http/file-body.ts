import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { checkType, wrong } from "./request/check.ts";
import { FileSource } from "./request/file-source.ts";

/** Settings of {@link file}. */
export interface FileOptions {
  /** The name that the server gets, within a form. @default the last part of the path */
  readonly filename?: string;
  /** The media type, such as `image/png`. @default none as a body, `application/octet-stream` within a form */
  readonly type?: string;
}

/** A file to be sent: made by {@link file}. */
export class FileBody {
  /** Where it is. */
  readonly path: string;
  /** The name that the server gets, within a form. */
  readonly filename: string;
  /** The media type, if one was given. */
  readonly type: string | undefined;
  readonly #source: FileSource;

  /** @internal */
  constructor(path: string, options: FileOptions) {
    this.path = path;
    this.filename = options.filename ?? basename(path);
    this.type = options.type;
    this.#source = new FileSource(path);
  }

  /** @internal */
  get source(): FileSource {
    return this.#source;
  }
}

/**
 * A file to be sent, as the body of a request or in a form. It is read as the connection takes it, and open only
 * meanwhile. Its length goes along, so it must not change while it is sent: that is a FileChangedError. It can be sent
 * again, where a request is repeated or redirected. What goes wrong with the file fails the request, with the error of
 * Node.
 *
 * Cancel: not applicable, it never waits; the file is looked at when the request has its slot.
 *
 * @throws {TypeError} `path` is no path, or `type` no media type
 *
 * @example
 * ```ts
 * import { file, openSession } from "taskwright/http";
 *
 * await using session = openSession({ baseUrl: "https://storage.example.com/" });
 * await session.put("backup.tar", { body: file("backup.tar", { type: "application/x-tar" }) });
 * ```
 */
export function file(path: string | URL, options: FileOptions = {}): FileBody {
  const isUrl = path instanceof URL;
  if ((typeof path !== "string" || path === "") && !isUrl) {
    throw new TypeError(wrong("path", "a path or a URL of a file", path));
  }
  if (options.type !== undefined) checkType("type", options.type);
  if (options.filename !== undefined && typeof options.filename !== "string") {
    throw new TypeError(wrong("filename", "a string", options.filename));
  }
  return new FileBody(isUrl ? fileURLToPath(path) : path, options);
}
