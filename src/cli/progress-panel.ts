import { type ProgressState, type ProgressStyle, hostsOnPause, kindsOf, leftMs, shareOf } from "./progress-state.ts";
import { formatClock, formatCount, formatMs, formatPercent, formatRate } from "./units.ts";

/** A part of a line. Where it is narrow, those that matter least are left out; what is left keeps its place. */
interface Part {
  readonly text: string;
  /** 0 matters most. */
  readonly rank: number;
  readonly color?: keyof typeof colors;
}

const colors = { red: "31", yellow: "33", dim: "2", cyan: "36" } as const;
const gap = 2;
const maxBar = 40;
/** Stands where the bar goes, as short as it may be. */
const barPart: Part = { text: " ".repeat(10), rank: 4 };

/** What a terminal shows of the progress: two lines of at most `width` columns, and one more where something failed. */
export function progressPanel(state: ProgressState, width: number, style: ProgressStyle): string[] {
  return [
    barLine(state, width, style),
    ...[flowParts(state), failureParts(state, width)]
      .filter((parts) => parts.length > 0)
      .map((parts) => join(choose(parts, width), style)),
  ];
}

function barLine(state: ProgressState, width: number, style: ProgressStyle): string {
  const parts = choose(shareParts(state), width);
  const room = width - widthOf(parts);
  const barWidth = Math.min(barPart.text.length + room, maxBar);
  return parts
    .map((part) => (part === barPart ? bar(shareOf(state)!, barWidth, style) : paint(part, style)))
    .join(" ".repeat(gap));
}

/** How far it is. */
function shareParts(state: ProgressState): Part[] {
  const { done, total, isTotalExact, perSecond } = state;
  const share = shareOf(state);
  const left = leftMs(state);
  const all = total === undefined ? "" : `/${isTotalExact ? "" : "~"}${formatCount(total)}`;
  return [
    ...(share === undefined ? [] : [barPart]),
    { text: `${formatCount(done)}${all}`, rank: 0 },
    ...(share === undefined ? [] : [{ text: formatPercent(share), rank: 1 }]),
    { text: formatRate(perSecond), rank: 2 },
    ...(left === undefined ? [] : [{ text: `ETA ${formatClock(left)}`, rank: 3 }]),
  ];
}

/** What is going on. */
function flowParts(state: ProgressState): Part[] {
  const { inFlight, capacity, pausedHosts, earlier, p50Ms, p95Ms } = state;
  return [
    { text: `${formatCount(inFlight)} of ${formatCount(capacity)} in flight`, rank: 1, color: "dim" },
    ...(p50Ms === undefined
      ? []
      : ([
          { text: `p50 ${formatMs(p50Ms)}`, rank: 3, color: "dim" },
          { text: `p95 ${formatMs(p95Ms!)}`, rank: 2, color: "dim" },
        ] as const)),
    ...(pausedHosts === 0 ? [] : [{ text: hostsOnPause(state), rank: 0, color: "yellow" } as const]),
    ...(earlier === 0 ? [] : [{ text: `${formatCount(earlier)} from before`, rank: 4, color: "dim" } as const]),
  ];
}

function failureParts({ failed, failures }: ProgressState, width: number): Part[] {
  if (failed === 0) return [];
  const count = `${formatCount(failed)} failed`;
  const full = failures.map((_, index) => `${count}: ${kindsOf(failures, failures.length - index)}`);
  return [{ text: [...full, count].find((text) => text.length <= width) ?? count, rank: 0, color: "red" }];
}

function choose(parts: readonly Part[], width: number): Part[] {
  const chosen = new Set<Part>();
  let used = -gap;
  for (const part of parts.toSorted((a, b) => a.rank - b.rank)) {
    if (used + gap + part.text.length > width) continue;
    used += gap + part.text.length;
    chosen.add(part);
  }
  return parts.filter((part) => chosen.has(part));
}

function join(parts: readonly Part[], style: ProgressStyle): string {
  return parts.map((part) => paint(part, style)).join(" ".repeat(gap));
}

function widthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.text.length, gap * (parts.length - 1));
}

function paint({ text, color }: Part, { hasColor }: ProgressStyle): string {
  return hasColor && color !== undefined ? `\u001b[${colors[color]}m${text}\u001b[0m` : text;
}

function bar(share: number, width: number, { hasColor, hasUnicode }: ProgressStyle): string {
  const [full, empty, left, right] = hasUnicode ? ["━", "─", "", ""] : ["#", "-", "[", "]"];
  const inner = width - left.length - right.length;
  const filled = Math.min(inner, Math.floor(share * inner));
  const done = full.repeat(filled);
  return `${left}${hasColor && filled > 0 ? `\u001b[${colors.cyan}m${done}\u001b[0m` : done}${empty.repeat(inner - filled)}${right}`;
}
