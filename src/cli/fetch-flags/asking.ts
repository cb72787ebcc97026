import type { Flags } from "../flags.ts";

/** What is asked, as far as the input does not say. */
export const asking: Flags = {
  request: {
    short: "X",
    value: "METHOD",
    suggests: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    excludes: ["head"],
    help: "method; default GET, or POST where there is a body",
  },
  head: {
    short: "I",
    help: "ask for headers alone: HEAD, and --include-headers",
  },
  header: {
    short: "H",
    value: "HEADER",
    isRepeatable: true,
    help: "send 'NAME: VALUE'; @FILE sends those of a file",
    more: "`NAME:` sends none of that name, `NAME;` an empty one. A file keeps secrets out of the list of processes, which all users of the machine can see. A request that has a header of the same name keeps its own.",
  },
  data: {
    short: "d",
    value: "DATA",
    isRepeatable: true,
    help: "send DATA as a form; @FILE sends that file",
    more: "Line ends in the file are left out. Several are joined with `&`.",
  },
  "data-raw": { value: "DATA", isRepeatable: true, help: "the same, where an @ is nothing special" },
  "data-binary": { value: "DATA", isRepeatable: true, help: "the same as --data, and files as they are" },
  "data-urlencode": {
    value: "DATA",
    isRepeatable: true,
    help: "the same, encoded: TEXT, NAME=TEXT, [NAME]@FILE",
    more: "`=TEXT` is for a text with an = in it. The name is sent as it is.",
  },
  json: {
    value: "DATA",
    isRepeatable: true,
    excludes: ["data", "data-raw", "data-binary", "data-urlencode", "get", "head"],
    help: "send DATA as JSON; @FILE sends that file",
    more: "Sets the headers Content-Type and Accept to application/json. Several are joined as they are.",
  },
  get: { short: "G", help: "put the data into the query, and ask by GET" },
  compressed: { help: "ask for compressed answers, and decompress them" },
  location: {
    short: "L",
    help: "go where answers of 301, 302, 303, 307 and 308 lead",
    more: "Results say where that was in finalUrl. As in browsers, 301 and 302 make a GET of a POST, and 303 of everything. Credentials and cookies are not taken along to other hosts, nor is anything from https to http.",
  },
  "max-redirs": { value: "N", help: "redirects of one request; default 20" },
};
