import { FileBody } from "../file-body.ts";
import { MultipartBody } from "../multipart.ts";
import { type ByteSource, isBlob, isByteSource, isForm, pieceBytes } from "./byte-source.ts";
import { wrong } from "./check.ts";
import { joined } from "./joined-source.ts";
import { formParts, multipartBody } from "./multipart-writer.ts";
import { type OutgoingBody, bytesBody } from "./outgoing-body.ts";

/** A body to send. */
export type BodyInput =
  | string
  | Uint8Array
  | ArrayBuffer
  | URLSearchParams
  | FormData
  | Blob
  | FileBody
  | MultipartBody
  | ByteSource;

/** @throws {TypeError} `json` has no JSON form */
export function jsonBody(value: unknown): OutgoingBody {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(wrong("json", "a value that JSON can hold", value));
  return { ...textBody(text), contentType: "application/json" };
}

/** @throws {TypeError} `body` is nothing that can be sent */
export function encodeBody(body: BodyInput): OutgoingBody {
  if (typeof body === "string") return textBody(body);
  if (body instanceof URLSearchParams) {
    return { ...textBody(body.toString()), contentType: "application/x-www-form-urlencoded;charset=UTF-8" };
  }
  if (body instanceof ArrayBuffer) return bytesBody(new Uint8Array(body));
  if (body instanceof Uint8Array) return bytesBody(body);
  if (body instanceof FileBody) return fileBody(body);
  if (body instanceof MultipartBody) return multipartBody(body.parts);
  if (isBlob(body)) return { ...joined([body]), contentType: body.type || undefined };
  if (isForm(body)) return multipartBody(formParts(body));
  if (isByteSource(body)) return { content: body, contentType: undefined, length: undefined };
  throw new TypeError(
    wrong("body", "a string, bytes, a form, a file, a Blob or an iterable of bytes (see `json` for values)", body),
  );
}

function textBody(text: string): OutgoingBody {
  const contentType = "text/plain;charset=UTF-8";
  if (text.length <= pieceBytes) return { content: text, contentType, length: undefined };
  return { ...bytesBody(Buffer.from(text)), contentType };
}

function fileBody({ source, type }: FileBody): OutgoingBody {
  return { content: source, contentType: type, length: undefined, isRepeatable: true };
}
