/** JSON.rawJSON, which the types do not know yet. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

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

const keepDigits: Reviver = (_key, found, context) => {
  if (typeof found !== "number" || Number.isSafeInteger(found) || context?.source === undefined) return found;
  return rawJSON(context.source);
};

/** What may be a number that JavaScript cannot hold. */
const longNumber = /\d{16}|[eE]\+?\d{3}/;

/** The body in `text`, an object, in such a way that `JSON.stringify` writes its numbers as they stand there. */
export function exactBody(text: string, body: object): unknown {
  if (!longNumber.test(text)) return body;
  return (JSON.parse(text, keepDigits) as { readonly body: unknown }).body;
}
