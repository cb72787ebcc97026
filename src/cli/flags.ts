import { parseArgs } from "node:util";
import { nearest } from "../fetch/index.ts";
import { UsageError } from "./usage-error.ts";

/** A flag of a command. */
export interface Flag {
  readonly short?: string;
  /** What the value is called in the help; without one the flag is on or off. */
  readonly value?: string;
  /** May be given several times. */
  readonly isRepeatable?: true;
  readonly help: string;
}

/** The flags of a command, by name. */
export type Flags = Readonly<Record<string, Flag>>;

/** What was given on the command line. */
export class GivenFlags {
  readonly positionals: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>, positionals: readonly string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value given last. */
  get(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The value of `name` as `parse` reads it, or `otherwise` if the flag was not given. */
  read<T>(name: string, expected: string, parse: (text: string) => T | undefined, otherwise: T): T {
    const text = this.get(name);
    if (text === undefined) return otherwise;
    const value = parse(text);
    if (value !== undefined) return value;
    throw new UsageError(`Expected --${name} to be ${expected}, got \`${text}\``);
  }
}

/**
 * Reads the arguments of `command`.
 *
 * @throws {UsageError} an unknown flag, or a missing or superfluous value
 */
export function parseFlags(command: string, flags: Flags, args: readonly string[]): GivenFlags {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { short, value }]) => [
      name,
      { type: value === undefined ? ("boolean" as const) : ("string" as const), ...(short !== undefined && { short }) },
    ]),
  );
  // Not strict: its messages are not ours, and know no hints.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    else if (token.kind === "option") {
      const flag = Object.hasOwn(flags, token.name) ? flags[token.name]! : undefined;
      if (flag === undefined) throw unknownFlag(command, flags, token.rawName);
      if (flag.value === undefined && token.value !== undefined) {
        throw new UsageError(`${token.rawName} takes no value, got \`${token.value}\``);
      }
      if (flag.value !== undefined && token.value === undefined) {
        throw new UsageError(`${token.rawName} needs a value: ${flag.value}`);
      }
      const given = values.get(token.name) ?? [];
      given.push(token.value ?? "");
      values.set(token.name, given);
    }
  }
  return new GivenFlags(values, positionals);
}

function unknownFlag(command: string, flags: Flags, given: string): UsageError {
  const meant = given.startsWith("--") ? nearest(given.slice(2), Object.keys(flags)) : undefined;
  const all = `\`taskwright ${command} --help\` lists all flags`;
  return new UsageError(`Unknown flag ${given}`, meant === undefined ? all : `did you mean --${meant}? ${all}`);
}
