import { readArgumentFile } from "./file-argument.ts";
import type { GivenFlag, GivenFlags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** The flags that say what to send, all of which may be given several times. */
const dataFlags = ["data", "data-raw", "data-binary", "data-urlencode"];
const lineEnds = /[\r\n\0]/g;

/** What to send: as the body, or behind the question mark. */
export interface DataSettings {
  readonly body: string | Uint8Array | undefined;
  /** Of the body: names and values in turn. */
  readonly bodyHeaders: readonly string[];
  /** What is added to the query of each URL. */
  readonly query: string | undefined;
}

/** @throws {UsageError} a file cannot be read, or flags do not go together */
export function readData(given: GivenFlags): DataSettings {
  const parts = given.allOf(dataFlags);
  if (given.has("json")) {
    const body = joined(given.all("json").map(jsonPart), "");
    const bodyHeaders = ["content-type", "application/json", "accept", "application/json"];
    return { body, bodyHeaders, query: undefined };
  }
  if (given.has("get")) {
    if (parts.length === 0) throw new UsageError("Got --get and nothing to put into the query", "see --data-urlencode");
    return { body: undefined, bodyHeaders: [], query: queryOf(joined(parts.map(dataPart), "&")) };
  }
  if (parts.length === 0) return { body: undefined, bodyHeaders: [], query: undefined };
  if (given.has("head")) throw new UsageError("Got --head and data to send", "with --get it goes into the query");
  const bodyHeaders = ["content-type", "application/x-www-form-urlencoded"];
  return { body: joined(parts.map(dataPart), "&"), bodyHeaders, query: undefined };
}

/** A single part stays as it is: a text of megabytes is not copied, and bytes stay bytes. */
function joined(parts: readonly (string | Buffer)[], by: string): string | Buffer {
  if (parts.length === 1) return parts[0]!;
  if (parts.every((part) => typeof part === "string")) return parts.join(by);
  return Buffer.concat(parts.flatMap((part, index) => [Buffer.from(index === 0 ? "" : by), Buffer.from(part)]));
}

function jsonPart(value: string): string | Buffer {
  return value.startsWith("@") ? readArgumentFile("json", value.slice(1)) : value;
}

function dataPart([flag, value]: GivenFlag): string | Buffer {
  if (flag === "data-urlencode") return urlEncoded(value);
  if (flag === "data-raw" || !value.startsWith("@")) return value;
  const bytes = readArgumentFile(flag, value.slice(1));
  // As curl does: a form in a file may be broken into lines.
  return flag === "data" ? Buffer.from(bytes.toString("latin1").replaceAll(lineEnds, ""), "latin1") : bytes;
}

/** `TEXT`, `=TEXT`, `NAME=TEXT`, `@FILE` or `NAME@FILE`: the text is encoded, the name is not. */
function urlEncoded(value: string): string {
  const [, name = "", sign = "", text = value] = /^([^=@]*)([=@])(.*)$/s.exec(value) ?? [];
  const content = sign === "@" ? readArgumentFile("data-urlencode", text) : Buffer.from(text);
  return `${name === "" ? "" : `${name}=`}${percentEncoded(content)}`;
}

/** Bytes, not characters: a file need not be UTF-8. */
function percentEncoded(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replaceAll(/[^\w\-.~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

function queryOf(data: string | Buffer): string {
  const query = data.toString();
  if (/[\s#]/.test(query)) {
    throw new UsageError("A query cannot have spaces, line ends or `#` in it", "--data-urlencode encodes them");
  }
  return query;
}
