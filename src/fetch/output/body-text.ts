import { isUtf8 } from "node:buffer";
import type { WireHeaders } from "../../http/index.ts";

/** A body that is text. */
export interface BodyText {
  /** `json` where the content type says so, and it is true. */
  readonly type: "json" | "text";
  readonly text: string;
}

/** The body as text, if its bytes are UTF-8. JSON comes as it stands: numbers keep all their digits. */
export function bodyText(headers: WireHeaders, body: Buffer): BodyText | undefined {
  const text = body.toString();
  // Bytes that are no UTF-8 decode to U+FFFD, which may also stand in the text itself.
  if (text.includes("\ufffd") && !isUtf8(body)) return undefined;
  const json = isJsonType(headers["content-type"]) ? jsonIn(text) : undefined;
  return json === undefined ? { type: "text", text } : { type: "json", text: json };
}

/** The JSON in `text` without a byte order mark; undefined if it is none. */
export function jsonIn(text: string): string | undefined {
  const json = text.startsWith("\ufeff") ? text.slice(1) : text;
  try {
    JSON.parse(json);
    return json;
  } catch {
    return undefined;
  }
}

const jsonType = /^\s*(?:application|text)\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i;

/** The last content type seen, and what it is: answers mostly are of the same. */
let lastType: string | string[] | undefined = "";
let isLastJson = false;

function isJsonType(contentType: string | string[] | undefined): boolean {
  if (contentType !== lastType) {
    lastType = contentType;
    isLastJson = typeof contentType === "string" && jsonType.test(contentType);
  }
  return isLastJson;
}
