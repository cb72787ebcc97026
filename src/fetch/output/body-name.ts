import { extname } from "node:path/posix";
import type { WireHeaders } from "../../http/index.ts";

/** Ends of names by media type. What is not here takes the end that the path of the URL has, if it looks like one. */
const ends: Readonly<Record<string, string>> = {
  "application/atom+xml": ".xml",
  "application/gzip": ".gz",
  "application/javascript": ".js",
  "application/json": ".json",
  "application/pdf": ".pdf",
  "application/rss+xml": ".xml",
  "application/xhtml+xml": ".html",
  "application/xml": ".xml",
  "application/zip": ".zip",
  "audio/mpeg": ".mp3",
  "image/avif": ".avif",
  "image/gif": ".gif",
  "image/jpeg": ".jpg",
  "image/png": ".png",
  "image/svg+xml": ".svg",
  "image/webp": ".webp",
  "text/css": ".css",
  "text/csv": ".csv",
  "text/html": ".html",
  "text/javascript": ".js",
  "text/markdown": ".md",
  "text/plain": ".txt",
  "text/xml": ".xml",
  "video/mp4": ".mp4",
};

/** Of an end that is taken from a URL: nothing that a file system, a shell or a web server would take amiss. */
const plainEnd = /^\.[a-z\d]{1,8}$/i;

/**
 * What the file of a body is called: the number of its request, and an end that says what is in it.
 *
 * Nothing else that a server or a list says gets into a name: such could lead out of the folder, or to two bodies of one
 * name.
 *
 * @param path - of the URL, query included
 */
export function bodyName(index: number, headers: WireHeaders, path: string): string {
  return `${index}${endOf(headers["content-type"], path)}`;
}

/** Whether a file of this name could be that of a body. */
export function isBodyName(name: string): boolean {
  return /^\d+\.[a-z\d]{1,8}$/.test(name);
}

function endOf(contentType: string | string[] | undefined, path: string): string {
  const given = typeof contentType === "string" ? contentType : (contentType?.[0] ?? "");
  const mediaType = given.split(";", 1)[0]!.trim().toLowerCase();
  if (Object.hasOwn(ends, mediaType)) return ends[mediaType]!;
  if (mediaType.endsWith("+json")) return ".json";
  const end = extname(path.split(/[?#]/, 1)[0]!);
  return plainEnd.test(end) ? end.toLowerCase() : ".bin";
}
