import { randomBytes } from "node:crypto";
import { isBlob } from "./byte-source.ts";
import { type Segment, joined } from "./joined-source.ts";
import type { OutgoingBody } from "./outgoing-body.ts";

/** One entry of a form. */
export interface FormPart {
  readonly name: string;
  /** Text, or what is sent as a file. */
  readonly content: string | Segment;
  /** Undefined makes it a field rather than a file. */
  readonly filename: string | undefined;
  readonly type: string | undefined;
}

/** A form as multipart/form-data, as the HTML Standard has it, with a boundary that nobody can foresee. */
export function multipartBody(parts: readonly FormPart[]): OutgoingBody {
  const boundary = `----taskwright-${randomBytes(16).toString("hex")}`;
  const segments: Segment[] = [];
  let text = "";
  for (const part of parts) {
    text += `--${boundary}\r\n${headOf(part)}\r\n\r\n`;
    if (typeof part.content === "string") {
      text += part.content;
    } else {
      segments.push(Buffer.from(text), part.content);
      text = "";
    }
    text += "\r\n";
  }
  segments.push(Buffer.from(`${text}--${boundary}--\r\n`));
  return { ...joined(segments), contentType: `multipart/form-data; boundary=${boundary}`, isTypeFixed: true };
}

function headOf({ name, filename, type }: FormPart): string {
  const disposition = `Content-Disposition: form-data; name="${escape(withLineEnds(name))}"`;
  const file = filename === undefined ? "" : `; filename="${escape(filename)}"`;
  return `${disposition}${file}${type === undefined ? "" : `\r\nContent-Type: ${type}`}`;
}

function escape(text: string): string {
  return text.replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll('"', "%22");
}

/** Text with the line ends of forms. */
export function withLineEnds(text: string): string {
  return text.replace(/\r\n?|\n/g, "\r\n");
}

/** The entries of a form of the platform. */
export function formParts(form: FormData): FormPart[] {
  return Array.from(form, ([name, value]): FormPart => {
    if (!isBlob(value)) return { name, content: withLineEnds(value), filename: undefined, type: undefined };
    return { name, content: value, filename: value.name, type: value.type || unknownType };
  });
}

export const unknownType = "application/octet-stream";
