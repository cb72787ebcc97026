/** Why a scope was cancelled. */
export type CancelReason =
  /** Somebody called `cancel()`. */
  | { readonly kind: "requested"; readonly why?: string }
  /** The deadline of a timeout or of the scope itself passed. */
  | { readonly kind: "deadline"; readonly deadline: number }
  /** Another task of the group failed, or the group's body did. */
  | { readonly kind: "sibling-failed"; readonly task: string; readonly error: unknown }
  /** The process was asked to stop. (`NodeJS.Signals` would say the same, to those who have the types of Node.) */
  | { readonly kind: "signal"; readonly signal: `SIG${string}` }
  /** The peer this work was done for went away. */
  | { readonly kind: "disconnected"; readonly peer?: string }
  /** Nothing needs this work any more: a daemon task outlived the others, a race was won, a stream's reader left. */
  | { readonly kind: "unneeded"; readonly why: string };

const kinds = {
  requested: true,
  deadline: true,
  "sibling-failed": true,
  signal: true,
  disconnected: true,
  unneeded: true,
} as const satisfies Record<CancelReason["kind"], true>;

/** The reason that was given to `cancel`, checked at the door. */
export function expectReason(given: string | CancelReason | undefined): CancelReason {
  if (given === undefined) return { kind: "requested" };
  if (typeof given === "string") return { kind: "requested", why: given };
  if (Object.hasOwn(kinds, (given as CancelReason | null)?.kind ?? "")) return given;
  const got = `\`${describeError(given)}\` (${typeof given})`;
  throw new TypeError(`Expected \`reason\` to be a string, or an object with a \`kind\` of CancelReason, got ${got}`);
}

/** One line saying why, for messages. */
export function describeReason(reason: CancelReason): string {
  switch (reason.kind) {
    case "requested":
      return reason.why ?? "requested";
    case "deadline":
      return "the deadline passed";
    case "sibling-failed":
      return `${reason.task} failed: ${describeError(reason.error)}`;
    case "signal":
      return reason.signal;
    case "disconnected":
      return `${reason.peer ?? "the peer"} disconnected`;
    case "unneeded":
      return reason.why;
    /* v8 ignore next -- every kind has its case */
    default:
      return reason satisfies never;
  }
}

/** The first line of an error, or a thrown value as text. */
export function describeError(error: unknown): string {
  try {
    if (!(error instanceof Error)) return String(error);
    return `${error.name}: ${error.message}`.split("\n", 1)[0]!;
  } catch {
    return "a value without a text form";
  }
}
