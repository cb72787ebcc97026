import type { Flags } from "../flags.ts";

/** Where results go, and what is in them. */
export const results: Flags = {
  output: {
    short: "o",
    value: "FILE",
    help: "write results to FILE instead of standard output",
    more: "Beside it a journal is kept, FILE.journal. The same command goes on where it stopped, however that came, and asks nothing twice that has its result. With sqlite:FILE or postgres://user@host/database?table=NAME the results become rows of a table, `results` if no other is named, which remembers them, and may be read meanwhile. Passwords are better off in PGPASSWORD or ~/.pgpass.",
  },
  "create-dirs": { help: "make the folder of FILE where there is none" },
  resume: { excludes: ["restart"], help: "go on with FILE; an error if it has no journal" },
  restart: { excludes: ["resume", "retry-failed"], help: "begin anew, in place of what FILE holds" },
  "retry-failed": {
    excludes: ["restart"],
    help: "take failures out of FILE, and ask them again",
    more: "Failures are all results that are not ok: no answer, a status of 400 or more, lines that were no request.",
  },
  "output-format": {
    value: "FORMAT",
    choices: ["jsonl", "openai-batch"],
    help: "jsonl or openai-batch; default jsonl",
    more: "openai-batch is what OpenAI's Batch API gives out: id, custom_id, response {status_code, request_id, body}, error {code, message}. A body that is not JSON is a string there, in base64 if it is not text.",
  },
  "save-bodies": {
    value: "DIR",
    help: "put bodies into files there, not into results",
    more: "Each file is named for the number of its request, and what is in it: 12.json. The same number means another request in another list, so each list needs a folder of its own: -o begins no new results where there are such files already, unless --restart is given, and without -o they are replaced. Results name the file in place of the body. Bodies of failures stay in the results.",
  },
  ordered: {
    help: "write results in the order of the requests",
    more: "Otherwise each is written as soon as it is there. Results wait for those before them, and new requests with them: one that is slow, or is asked again and again, may hold up the others. What is left of a run that was stopped comes after what it wrote.",
  },
  "only-failed": {
    help: "write results of failures only",
    more: "The journal remembers the others all the same. With --save-bodies, their bodies are in their files.",
  },
  "include-headers": { help: "put the headers of answers into the results" },
};
