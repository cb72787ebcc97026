/** Errors for wrong arguments: the name, what was expected, and what came. */

/**
 * @returns `value`
 * @throws {TypeError | RangeError} `value` is not a number of bytes, 0 or more; Infinity is one
 */
export function checkBytes(name: string, value: unknown): number {
  const expected = "a number of bytes, 0 or more, or Infinity";
  if (typeof value !== "number") throw new TypeError(wrong(name, expected, value));
  if (!(value >= 0)) throw new RangeError(wrong(name, expected, value));
  return value;
}

/** @throws {TypeError | RangeError} `value` is not a number of milliseconds above 0; Infinity is one */
export function checkMs(name: string, value: unknown): void {
  const expected = "a number of milliseconds above 0, or Infinity";
  if (typeof value !== "number") throw new TypeError(wrong(name, expected, value));
  if (!(value > 0)) throw new RangeError(wrong(name, expected, value));
}

/** @throws {TypeError} `value` is no media type that can be written into a header */
export function checkType(name: string, value: unknown): void {
  if (typeof value !== "string" || !/^[\x20-\x7e]+$/.test(value)) {
    throw new TypeError(wrong(name, "a media type, such as `text/plain`", value));
  }
}

/** "Expected `limit` to be an integer of 1 or more, got `0` (number)" */
export function wrong(name: string, expected: string, value: unknown): string {
  return `Expected \`${name}\` to be ${expected}, got ${shown(value)}`;
}

function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `${JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value)} (string)`;
    case "object":
      return value === null ? "`null`" : `an object (${value.constructor?.name ?? "without a prototype"})`;
    case "function":
      return "a function";
    default:
      return `\`${String(value)}\` (${typeof value})`;
  }
}
