/** Checks an argument at the door. */
export function expectInteger(name: string, value: unknown, atLeast: number): void {
  if (typeof value !== "number") throw wrong(TypeError, name, `an integer of ${atLeast} or more`, value);
  if (value === Infinity || (Number.isInteger(value) && value >= atLeast)) return;
  throw wrong(RangeError, name, `an integer of ${atLeast} or more`, value);
}

/** Checks a time or a duration at the door. */
export function expectMs(name: string, ms: unknown, atLeast: number = -Infinity): void {
  const expected = `a number of milliseconds${atLeast === -Infinity ? "" : `, ${atLeast} or more`}`;
  if (typeof ms !== "number") throw wrong(TypeError, name, expected, ms);
  if (!(ms >= atLeast)) throw wrong(RangeError, name, expected, ms);
}

function wrong(Kind: typeof TypeError | typeof RangeError, name: string, expected: string, value: unknown): Error {
  return new Kind(`Expected \`${name}\` to be ${expected}, got \`${String(value)}\` (${typeof value})`);
}
