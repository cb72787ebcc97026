type Kind = "number" | "bigint" | "string" | "date";

interface Order {
  /** @throws {TypeError} the item is not of the one kind that this order is for */
  readonly check: (item: unknown) => void;
  /** Only for items that were checked. */
  readonly compare: (a: unknown, b: unknown) => number;
}

/** The order of numbers, bigints, strings or dates. Which of them, the first item decides: mixed they have none. */
export function naturalOrder(): Order {
  let kind: Kind | undefined;
  return {
    check(item) {
      const found = kindOf(item);
      if (found === undefined || (kind !== undefined && found !== kind)) throw unordered(item, kind);
      kind = found;
    },
    compare(a, b) {
      if ((a as number) < (b as number)) return -1;
      return (a as number) > (b as number) ? 1 : 0;
    },
  };
}

/** Undefined if the item has no place in any order, as NaN has none. */
function kindOf(item: unknown): Kind | undefined {
  if (item instanceof Date) return Number.isNaN(item.getTime()) ? undefined : "date";
  const type = typeof item;
  if (type === "string" || type === "bigint") return type;
  return type === "number" && !Number.isNaN(item) ? type : undefined;
}

function unordered(item: unknown, kind: Kind | undefined): TypeError {
  const expected = kind === undefined ? "a number, bigint, string or date" : `a ${kind} as those before it`;
  return new TypeError(`Expected \`item\` to be ${expected}, got ${show(item)}: give the queue a \`compare\``);
}

function show(item: unknown): string {
  if (item instanceof Date) return `\`${String(item)}\` (date)`;
  if (typeof item === "object" && item !== null) return "an object";
  return `\`${String(item)}\` (${typeof item})`;
}
