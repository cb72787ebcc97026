/** Errors between threads. What the platform's own copying leaves out is kept: names, codes and other fields. */

/** An error as it goes over. One that is met several times, or is its own cause, is the same object each time. */
export type EncodedError =
  | { readonly kind: "value"; readonly value: unknown }
  | {
      readonly kind: "error";
      /** The nearest class of the platform. */
      readonly type: string;
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly fields: Readonly<Record<string, unknown>>;
      /** The errors that it holds: its cause, those of which it was made, and those in its fields. */
      readonly parts: Readonly<Record<string, Part>>;
    };

interface Part {
  readonly isEnumerable: boolean;
  readonly of: EncodedError | readonly EncodedError[];
}

/** A value as it will go over; throws if it cannot. */
type CopyOf = (value: object) => unknown;

interface ErrorType {
  readonly class: abstract new (...args: never[]) => Error;
  make(this: void, message: string, name: string): Error;
}

function plainType(of: new (message: string) => Error): ErrorType {
  return { class: of, make: (message) => new of(message) };
}

const plain: ErrorType = plainType(Error);
const types: Record<string, ErrorType> = {
  AggregateError: { class: AggregateError, make: (message) => new AggregateError([], message) },
  DOMException: { class: DOMException, make: (message, name) => new DOMException(message, name) },
  EvalError: plainType(EvalError),
  RangeError: plainType(RangeError),
  ReferenceError: plainType(ReferenceError),
  SuppressedError: { class: SuppressedError, make: (message) => new SuppressedError(undefined, undefined, message) },
  SyntaxError: plainType(SyntaxError),
  TypeError: plainType(TypeError),
  URIError: plainType(URIError),
};
/** Chains of causes that are longer are accidents. */
const maxDepth = 16;
const notFields = new Set(["name", "message", "stack", "cause"]);

/** In the thread. Never throws, nor does to send what it returns: what cannot be copied, or read, is left out. */
export function encodeError(error: unknown, copyOf: CopyOf): EncodedError {
  try {
    return new Encoder(copyOf).encode(error, 0);
  } catch {
    return { kind: "value", value: "an error that cannot be read" };
  }
}

class Encoder {
  readonly #copyOf: CopyOf;
  readonly #known = new Map<Error, EncodedError>();

  constructor(copyOf: CopyOf) {
    this.#copyOf = copyOf;
  }

  encode(error: unknown, depth: number): EncodedError {
    if (!Error.isError(error)) return { kind: "value", value: this.#copied(error, text) };
    const known = this.#known.get(error);
    if (known !== undefined) return known;
    const parts: Record<string, Part> = {};
    const stack = read(error, "stack");
    const encoded: EncodedError = {
      kind: "error",
      type: Object.keys(types).find((name) => error instanceof types[name]!.class) ?? "Error",
      name: text(read(error, "name") ?? "Error"),
      message: text(read(error, "message") ?? ""),
      stack: typeof stack === "string" ? stack : undefined,
      fields: this.#fieldsOf(error),
      parts,
    };
    this.#known.set(error, encoded);
    if (depth === maxDepth) return encoded;
    for (const key of partsOf(error)) {
      const isEnumerable = Object.prototype.propertyIsEnumerable.call(error, key);
      parts[key] = { isEnumerable, of: this.#partOf(read(error, key), depth + 1) };
    }
    return encoded;
  }

  #partOf(value: unknown, depth: number): Part["of"] {
    return Array.isArray(value) ? value.map((each) => this.encode(each, depth)) : this.encode(value, depth);
  }

  /** A code is kept although it may be a getter of a class, which does not go over. */
  #fieldsOf(error: Error): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    const keys = Object.keys(error).filter((key) => !notFields.has(key) && !isMadeOfErrors(read(error, key)));
    for (const key of error instanceof DOMException ? keys : new Set([...keys, "code"])) {
      const value = this.#copied(read(error, key), () => undefined);
      if (value !== undefined) fields[key] = value;
    }
    return fields;
  }

  #copied(value: unknown, otherwise: (value: unknown) => unknown): unknown {
    if (typeof value === "function" || typeof value === "symbol") return otherwise(value);
    if (typeof value !== "object" || value === null) return value;
    try {
      return this.#copyOf(value);
    } catch {
      return otherwise(value);
    }
  }
}

function partsOf(error: Error): readonly string[] {
  const keys = Object.keys(error).filter((key) => isMadeOfErrors(read(error, key)));
  if ("cause" in error) keys.push("cause");
  if (error instanceof AggregateError && Array.isArray(read(error, "errors"))) keys.push("errors");
  if (error instanceof SuppressedError) keys.push("error", "suppressed");
  return keys;
}

/** Copied as it is, it would lose names, codes and causes. */
function isMadeOfErrors(value: unknown): boolean {
  try {
    return Error.isError(value) || (Array.isArray(value) && value.some((each) => Error.isError(each)));
  } catch {
    // A Proxy.
    return false;
  }
}

/**
 * Where it is received. The stack is that of the thread, and below it that of the code which runs here.
 *
 * @param here - the stack of an error made here
 */
export function decodeError(encoded: EncodedError, here: string | undefined): unknown {
  return decode(encoded, here, new Map());
}

function decode(encoded: EncodedError, here: string | undefined, known: Map<EncodedError, Error>): unknown {
  if (encoded.kind === "value") return encoded.value;
  const before = known.get(encoded);
  if (before !== undefined) return before;
  const { type, name, message, fields, parts } = encoded;
  const error = (types[type] ?? plain).make(message, name);
  known.set(encoded, error);
  if (error.name !== name) define(error, "name", name);
  define(error, "stack", bothStacks(encoded.stack ?? `${name}: ${message}`, here));
  for (const [key, { isEnumerable, of }] of Object.entries(parts)) {
    const part = Array.isArray(of)
      ? of.map((each: EncodedError) => decode(each, undefined, known))
      : decode(of as EncodedError, undefined, known);
    define(error, key, part, isEnumerable);
  }
  return Object.assign(error, fields);
}

function bothStacks(there: string, here: string | undefined): string {
  const frames = here?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  return frames.length === 0 ? there : [there, "    --- called from another thread ---", ...frames].join("\n");
}

function define(error: Error, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, key, { value, configurable: true, enumerable, writable: true });
}

/** Getters may do anything. */
function read(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** What claims to be text may be anything. */
function text(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "a value without a text form";
  }
}
