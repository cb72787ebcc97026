type Reviver = (this: unknown, key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/**
 * The number under `name` in `text`, an object, as it is written there.
 *
 * JavaScript cannot hold whole numbers beyond 2 ** 53, but ids of 64 bits are common.
 */
export function digitsOf(text: string, name: string, value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  const sources = new Map<unknown, string | undefined>();
  let root: unknown;
  const reviver: Reviver = function (key, found, context) {
    if (key === name && typeof found === "number") sources.set(this, context?.source);
    root = found;
    return found;
  };
  JSON.parse(text, reviver);
  return sources.get(root) ?? String(value);
}
