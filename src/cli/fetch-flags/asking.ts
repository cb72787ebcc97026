import type { Flags } from "../flags.ts";

/** What is asked, and where that is read from. */
export const asking: Flags = {
  input: {
    short: "i",
    value: "FILE",
    isRepeatable: true,
    isCommon: true,
    help: "requests to ask; `-` is standard input",
    more: "May be given several times, and may be a pattern in quotes, such as 'lists/*.txt'. Files are read one after the other, and numbered as though they were one. What is compressed with gzip or zstd is decompressed.",
  },
  "input-format": {
    value: "FORMAT",
    choices: ["urls", "jsonl"],
    help: "urls or jsonl; default: seen from the first line",
  },
  request: {
    short: "X",
    value: "METHOD",
    suggests: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    isCommon: true,
    help: "method; default GET, or POST where there is a body",
  },
  header: { short: "H", value: "'NAME: VALUE'", isRepeatable: true, isCommon: true, help: "send this header" },
  data: {
    short: "d",
    value: "DATA",
    isRepeatable: true,
    isCommon: true,
    help: "send DATA as a form; @FILE sends that file",
  },
  json: {
    value: "DATA",
    excludes: ["data"],
    isCommon: true,
    help: "send DATA as JSON; @FILE sends that file",
  },
};
