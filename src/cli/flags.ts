import { parseArgs } from "node:util";
import { nearest } from "../fetch/index.ts";
import { UsageError } from "./usage-error.ts";

/** A flag of a command. */
export interface Flag {
  readonly short?: string;
  /** Other names of it, for people who know it by another: letters or words. */
  readonly also?: readonly string[];
  /** What the value is called in the help; without one the flag is on or off. */
  readonly value?: string;
  /** May be given several times. */
  readonly isRepeatable?: true;
  /** The only values there are: others are refused. */
  readonly choices?: readonly string[];
  /** Some of the values there are, for completions. */
  readonly suggests?: readonly string[];
  /** Flags that make no sense beside it: both together are refused. */
  readonly excludes?: readonly string[];
  /** What it is for, in one line. */
  readonly help: string;
  /** What else there is to know: for the long help and the reference. */
  readonly more?: string;
}

/** The flags of a command, by name. */
export type Flags = Readonly<Record<string, Flag>>;

/** A flag that was given, by its name in the table, and its value: empty where it takes none. */
export type GivenFlag = readonly [name: string, value: string];

/** What was given on the command line. */
export class GivenFlags {
  readonly positionals: readonly string[];
  /** In the order of the command line. */
  readonly flags: readonly GivenFlag[];

  constructor(flags: readonly GivenFlag[], positionals: readonly string[]) {
    this.flags = flags;
    this.positionals = positionals;
  }

  has(name: string): boolean {
    return this.flags.some(([one]) => one === name);
  }

  /** The value given last. */
  get(name: string): string | undefined {
    return this.flags.findLast(([one]) => one === name)?.[1];
  }

  all(name: string): readonly string[] {
    return this.allOf([name]).map(([, value]) => value);
  }

  /** Those of several names, in the order in which they were given. */
  allOf(names: readonly string[]): readonly GivenFlag[] {
    return this.flags.filter(([one]) => names.includes(one));
  }

  /**
   * The value of `name` as `parse` reads it, or `otherwise` if the flag was not given.
   *
   * @param show - makes of the value what may be shown
   */
  read<T>(
    name: string,
    expected: string,
    parse: (text: string) => T | undefined,
    otherwise: T,
    show: (text: string) => string = (text) => text,
  ): T {
    const text = this.get(name);
    if (text === undefined) return otherwise;
    const value = parse(text);
    if (value !== undefined) return value;
    throw new UsageError(`Expected --${name} to be ${expected}, got \`${show(text)}\``);
  }
}

/**
 * Reads the arguments of `command`.
 *
 * @param elsewhere - what to do in place of flags that there are not, by their spelling
 * @throws {UsageError} an unknown flag, a missing, wrong or superfluous value, or two flags that do not go together
 */
export function parseFlags(
  command: string,
  flags: Flags,
  args: readonly string[],
  elsewhere: Readonly<Record<string, string>> = {},
): GivenFlags {
  const names = namesOf(flags);
  const options = Object.fromEntries(
    [...names].map(([spelling, name]) => {
      const type = flags[name]!.value === undefined ? ("boolean" as const) : ("string" as const);
      return [spelling, spelling.length === 1 ? { type, short: spelling } : { type }];
    }),
  );
  // Not strict: its messages are not ours, and know no hints.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const given: GivenFlag[] = [];
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    else if (token.kind === "option") {
      const name = isSpelling(token.rawName) ? names.get(token.name) : undefined;
      if (name === undefined) throw unknownFlag(command, names, token.rawName, elsewhere);
      given.push([name, checkedValue(name, flags[name]!, token.rawName, token.value)]);
    }
  }
  refuseContradictions(flags, given);
  return new GivenFlags(given, positionals);
}

/** The names in the table, by every way to write them: words, and single letters. */
function namesOf(flags: Flags): Map<string, string> {
  const names = new Map<string, string>();
  for (const [name, { short, also = [] }] of Object.entries(flags)) {
    for (const spelling of [name, ...(short === undefined ? [] : [short]), ...also]) names.set(spelling, name);
  }
  return names;
}

/** One letter has one dash, a word has two. */
function isSpelling(rawName: string): boolean {
  return rawName.startsWith("--") ? rawName.length > 3 : true;
}

function checkedValue(name: string, flag: Flag, rawName: string, value: string | undefined): string {
  if (flag.value === undefined) {
    if (value === undefined) return "";
    throw new UsageError(`${rawName} takes no value, got \`${value}\``);
  }
  if (value === undefined) throw new UsageError(`${rawName} needs a value: ${flag.value}`);
  if (flag.choices?.includes(value) === false) {
    throw new UsageError(`Expected --${name} to be ${alternatives(flag.choices)}, got \`${value}\``);
  }
  return value;
}

/** `a, b or c` */
function alternatives(words: readonly string[]): string {
  return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(", ")} or ${words.at(-1)!}`;
}

function refuseContradictions(flags: Flags, given: readonly GivenFlag[]): void {
  for (const [name] of given) {
    const other = flags[name]!.excludes?.find((one) => given.some(([was]) => was === one));
    if (other !== undefined) throw new UsageError(`Got --${other} and --${name}`, "give one or the other");
  }
}

function unknownFlag(
  command: string,
  names: ReadonlyMap<string, string>,
  given: string,
  elsewhere: Readonly<Record<string, string>>,
): UsageError {
  if (Object.hasOwn(elsewhere, given)) return new UsageError(`There is no ${given} here`, elsewhere[given]);
  const words = [...names.keys()].filter((spelling) => spelling.length > 1);
  const meant = given.startsWith("--") ? nearest(given.slice(2), words) : undefined;
  const all = `\`taskwright ${command} --help\` lists all flags`;
  return new UsageError(`Unknown flag ${given}`, meant === undefined ? all : `did you mean --${meant}? ${all}`);
}
