import type { InputFormat } from "../../fetch/index.ts";
import type { Flags } from "../flags.ts";

const formats: readonly InputFormat[] = ["urls", "jsonl", "openai-batch", "vegeta", "csv", "tsv"];

/** Where requests are read from, and how they are written there. */
export const reading: Flags = {
  input: {
    short: "i",
    value: "FILE",
    isRepeatable: true,
    help: "requests to ask; `-` is standard input",
    more: "It is read as far as requests can start, so it may be of any length, or without an end. May be given several times, and may be a pattern in quotes, such as 'lists/*.txt'. Files are read one after the other, and numbered as though they were one. What is compressed with gzip or zstd is decompressed.",
  },
  "input-format": {
    value: "FORMAT",
    choices: formats,
    help: `${formats.join(", ")}; default: seen`,
    more: "Each file is seen from its first line that says something: an object with `custom_id` and a URL of /v1/... is openai-batch, any other object jsonl, `GET http://...` vegeta, all else urls. Targets of vegeta in JSON have to be named as vegeta, and so have those that send files.",
  },
  template: {
    value: "URL",
    excludes: ["url-field"],
    help: "make URLs of fields: https://host/{id}?q={name}",
    more: "Of lines of csv, tsv or jsonl. {name} is percent-encoded, {+name} only where it must be. Names stand also in -H, in --json (escaped within quotes, as JSON outside of them) and in -d (percent-encoded). In csv and tsv the first line names the fields. A field `id` is the id of the request.",
  },
  shuffle: {
    excludes: ["ordered"],
    help: "ask in an order that looks random",
    more: "So that not all requests to one host come in a row. Each is drawn from the next 10,000 (or 64 MiB) of the input, which are read first, so a longer list is mixed only as far as that. The same command draws the same order.",
  },
  "shuffle-seed": { value: "N", excludes: ["ordered"], help: "another such order; default 1" },
  "base-url": {
    value: "URL",
    help: "stands before URLs that begin with a slash",
    more: "With openai-batch a /v1 at its end is not doubled.",
  },
  "id-field": { value: "NAME", help: "the field that is the id of a request; default id" },
  "url-field": { value: "NAME", help: "the field that is its URL; default url" },
};
