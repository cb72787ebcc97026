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
      /** What it is made of: its cause, and whatever else lists of fields leave out. */
      readonly parts: Partial<Record<(typeof partKeys)[number], EncodedError>>;
      readonly errors: readonly EncodedError[] | undefined;
    };

/** A value as it will go over; throws if it cannot. */
type CopyOf = (value: object) => unknown;

const types: Record<string, new (message: string) => Error> = {
  DOMException,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};
const partKeys = ["cause", "error", "suppressed"] as const;
/** Chains of causes that are longer are accidents. */
const maxDepth = 16;
const notFields = new Set(["name", "message", "stack", "cause"]);

/** In the thread. Never throws, nor does to send what it returns: what cannot be copied, or read, is left out. */
export function encodeError(error: unknown, copyOf: CopyOf): EncodedError {
  return new Encoder(copyOf).encode(error, 0);
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
    const parts: Extract<EncodedError, { kind: "error" }>["parts"] = {};
    const errors = error instanceof AggregateError && depth < maxDepth ? listOf(error) : undefined;
    const encodedErrors: EncodedError[] = [];
    const stack = read(error, "stack");
    const encoded: EncodedError = {
      kind: "error",
      type: Object.keys(types).find((name) => error instanceof types[name]!) ?? "Error",
      name: text(read(error, "name") ?? "Error"),
      message: text(read(error, "message") ?? ""),
      stack: typeof stack === "string" ? stack : undefined,
      fields: this.#fieldsOf(error),
      parts,
      errors: errors === undefined ? undefined : encodedErrors,
    };
    this.#known.set(error, encoded);
    for (const each of errors ?? []) encodedErrors.push(this.encode(each, depth + 1));
    if (depth === maxDepth) return encoded;
    for (const key of partsOf(error)) parts[key] = this.encode(read(error, key), depth + 1);
    return encoded;
  }

  /** A code is kept although it may be a getter of a class, which does not go over. */
  #fieldsOf(error: Error): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    const isList = error instanceof AggregateError;
    const keys = Object.keys(error).filter((key) => !notFields.has(key) && !(isList && key === "errors"));
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

/** The errors of a SuppressedError stand in it by names that others may use as they like. */
function partsOf(error: Error): readonly (typeof partKeys)[number][] {
  const keys = error instanceof SuppressedError ? partKeys : (["cause"] as const);
  return keys.filter((key) => key in error);
}

function listOf(error: AggregateError): readonly unknown[] {
  const errors = read(error, "errors");
  return Array.isArray(errors) ? errors : [];
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
  const { name, message, fields, parts, errors } = encoded;
  const before = known.get(encoded);
  if (before !== undefined) return before;
  const error = emptyError(encoded);
  known.set(encoded, error);
  if (error.name !== name) hide(error, "name", name);
  hide(error, "stack", bothStacks(encoded.stack ?? `${name}: ${message}`, here));
  const list = errors?.map((each) => decode(each, undefined, known));
  if (list !== undefined) hide(error, "errors", list);
  for (const [key, part] of Object.entries(parts)) hide(error, key, decode(part, undefined, known));
  return Object.assign(error, fields);
}

function emptyError({ type, name, message, parts, errors }: Extract<EncodedError, { kind: "error" }>): Error {
  if (errors !== undefined) return new AggregateError([], message);
  if (parts.suppressed !== undefined) return new SuppressedError(undefined, undefined, message);
  if (type === "DOMException") return new DOMException(message, name);
  return new (types[type] ?? Error)(message);
}

function bothStacks(there: string, here: string | undefined): string {
  const frames = here?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  return frames.length === 0 ? there : [there, "    --- called from another thread ---", ...frames].join("\n");
}

function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, enumerable: false, writable: true });
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
