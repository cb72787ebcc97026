/** Errors between threads. What the platform's own copying leaves out is kept: names, codes and other fields. */

/** An error as it goes over. */
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
      readonly cause: EncodedError | undefined;
      readonly errors: readonly EncodedError[] | undefined;
    };

const types: Record<string, ErrorConstructor> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};
/** Chains of causes that are longer are loops or accidents. */
const maxDepth = 16;
const notFields = new Set(["name", "message", "stack", "cause", "errors"]);

/** In the thread. Never throws; what cannot be copied is left out. */
export function encodeError(error: unknown, depth = 0): EncodedError {
  try {
    if (!Error.isError(error)) return { kind: "value", value: isCloneable(error) ? error : text(error) };
    const isDeep = depth >= maxDepth;
    return {
      kind: "error",
      type: Object.keys(types).find((name) => error instanceof types[name]!) ?? "Error",
      name: text(error.name),
      message: text(error.message),
      stack: typeof error.stack === "string" ? error.stack : undefined,
      fields: cloneableFields(error),
      cause: "cause" in error && !isDeep ? encodeError(error.cause, depth + 1) : undefined,
      errors:
        error instanceof AggregateError && !isDeep
          ? error.errors.map((each: unknown) => encodeError(each, depth + 1))
          : undefined,
    };
  } catch {
    return { kind: "value", value: "an error that cannot be read" };
  }
}

/**
 * Where it is received. The stack is that of the thread, and below it that of the code which runs here.
 *
 * @param here - the stack of an error made here
 */
export function decodeError(encoded: EncodedError, here: string | undefined): unknown {
  if (encoded.kind === "value") return encoded.value;
  const { type, name, message, fields, cause, errors } = encoded;
  const options = cause === undefined ? {} : { cause: decodeError(cause, undefined) };
  const error =
    errors === undefined
      ? new (types[type] ?? Error)(message, options)
      : new AggregateError(
          errors.map((each) => decodeError(each, undefined)),
          message,
          options,
        );
  if (error.name !== name) hide(error, "name", name);
  hide(error, "stack", bothStacks(encoded.stack ?? `${name}: ${message}`, here));
  return Object.assign(error, fields);
}

function bothStacks(there: string, here: string | undefined): string {
  const frames = here?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  return frames.length === 0 ? there : [there, "    --- called from another thread ---", ...frames].join("\n");
}

function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, enumerable: false, writable: true });
}

function cloneableFields(error: Error): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const key of Object.keys(error)) {
    if (notFields.has(key)) continue;
    const value = (error as unknown as Record<string, unknown>)[key];
    if (isCloneable(value)) fields[key] = value;
  }
  return fields;
}

function isCloneable(value: unknown): boolean {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return typeof value !== "symbol";
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
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
