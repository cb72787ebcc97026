import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** What a netrc file says of one machine. */
export interface NetrcEntry {
  readonly login: string;
  readonly password: string;
}

/** All of a netrc file. */
export interface Netrc {
  readonly machines: ReadonlyMap<string, NetrcEntry>;
  /** For all other machines. */
  readonly others: NetrcEntry | undefined;
}

/** Words, quoted or not, and empty lines, which end a macro. Lines that begin with `#` are comments. */
const words = /"((?:[^"\\]|\\.)*)"?|(?<=^[\t ]*)#[^\n]*|[^\s"]\S*|\n[\t\r ]*(?=\n)/gms;

/**
 * Reads a netrc file, as curl does: `machine`, `default`, `login`, `password`, `account` and `macdef`, with quoted words.
 * The first entry of a machine counts. Never throws: what it does not understand it passes over.
 */
export function parseNetrc(text: string): Netrc {
  const machines = new Map<string, NetrcEntry>();
  let others: NetrcEntry | undefined;
  let name: string | undefined;
  let entry = { login: "", password: "" };
  let isOpen = false;
  const close = (): void => {
    if (!isOpen) return;
    if (name === undefined) others ??= entry;
    else if (!machines.has(name)) machines.set(name, entry);
  };
  const open = (machine: string | undefined): void => {
    close();
    isOpen = true;
    name = machine?.toLowerCase();
    entry = { login: "", password: "" };
  };
  const tokens = tokensOf(text);
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (token === "default") open(undefined);
    else if (token === "machine") open(tokens.next() ?? "");
    else if (token === "login") entry.login = tokens.next() ?? "";
    else if (token === "password") entry.password = tokens.next() ?? "";
    else if (token === "account") tokens.next();
    else if (token === "macdef") tokens.skipMacro();
  }
  close();
  return { machines, others };
}

interface Tokens {
  /** The next word; undefined at the end. */
  next(): string | undefined;
  /** Passes over everything up to an empty line. */
  skipMacro(): void;
}

function tokensOf(text: string): Tokens {
  const all = text.replaceAll("\r\n", "\n").matchAll(words);
  const step = (): RegExpExecArray | undefined => all.next().value;
  return {
    next() {
      for (let match = step(); match !== undefined; match = step()) {
        if (isGap(match) || isComment(match)) continue;
        return match[1] === undefined ? match[0] : match[1].replace(/\\(.)/gs, (_, one: string) => escapes[one] ?? one);
      }
      return undefined;
    },
    skipMacro() {
      for (let match = step(); match !== undefined && !isGap(match); match = step());
    },
  };
}

function isComment({ 0: word, index, input }: RegExpExecArray): boolean {
  return word.startsWith("#") && input.slice(input.lastIndexOf("\n", index) + 1, index).trim() === "";
}

/** An empty line. */
function isGap(match: RegExpExecArray): boolean {
  return match[0].startsWith("\n");
}

const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t" };

/** The netrc file of the user: `$NETRC`, or `.netrc` in the home directory. Read once, when it is first needed. */
export class NetrcFile {
  #content: Promise<Netrc> | undefined = undefined;

  /** @throws an error of the file system, if there is a file and it cannot be read */
  async find(host: string): Promise<NetrcEntry | undefined> {
    this.#content ??= read();
    const { machines, others } = await this.#content;
    return machines.get(host) ?? others;
  }
}

async function read(): Promise<Netrc> {
  const path = process.env["NETRC"] || join(homedir(), ".netrc");
  try {
    return parseNetrc(await readFile(path, "utf8"));
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return { machines: new Map(), others: undefined };
    throw error;
  }
}
