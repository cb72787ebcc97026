import { formatClock, formatCount, formatMs } from "./units.ts";

/** What a line of progress tells. */
export interface ProgressState {
  /** Requests with an outcome. */
  readonly done: number;
  /** Requests in all, or about: undefined if nothing tells. */
  readonly total: number | undefined;
  readonly isTotalExact: boolean;
  readonly perSecond: number;
  readonly inFlight: number;
  /** Hosts that are left alone for now. */
  readonly pausedHosts: number;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly failed: number;
  /** Kinds of failures, most frequent first. */
  readonly failures: readonly (readonly [kind: string, count: number])[];
}

export interface ProgressStyle {
  readonly hasColor: boolean;
  readonly hasUnicode: boolean;
}

/** A part of the line. Where it is narrow, those that matter least are left out; what is left keeps its place. */
interface Part {
  readonly text: string;
  /** 0 matters most. */
  readonly rank: number;
  readonly color?: "red" | "dim";
}

const gap = 2;
const maxBar = 40;
/** Stands where the bar goes, as short as it may be. */
const barPart: Part = { text: " ".repeat(10), rank: 5 };

/** One line of at most `width` columns. */
export function progressLine(state: ProgressState, width: number, style: ProgressStyle): string {
  const parts = choose(partsOf(state), width);
  const room = width - widthOf(parts);
  const barWidth = Math.min(barPart.text.length + room, maxBar);
  return parts
    .map((part) => (part === barPart ? bar(shareOf(state)!, barWidth, style) : paint(part, style)))
    .join(" ".repeat(gap));
}

/** The same in words, for logs. */
export function progressSentence(state: ProgressState): string {
  const { done, total, isTotalExact, perSecond, inFlight, pausedHosts, p50Ms, p95Ms, failed } = state;
  const share = shareOf(state);
  const ofTotal =
    total === undefined ? "" : ` of ${isTotalExact ? "" : "about "}${formatCount(total)} (${percent(share!)})`;
  const times = p50Ms === undefined ? "" : `, p50 ${formatMs(p50Ms)}, p95 ${formatMs(p95Ms!)}`;
  const failures = failed === 0 ? "" : `, ${formatCount(failed)} failed (${kindsOf(state.failures, 3)})`;
  const left = leftMs(state);
  const eta = left === undefined ? "" : `, ${formatClock(left)} left`;
  const pauses = pausedHosts === 0 ? "" : `, ${hostsOnPause(pausedHosts)}`;
  return `${formatCount(done)}${ofTotal} done, ${formatRate(perSecond)}, ${formatCount(inFlight)} in flight${times}${failures}${pauses}${eta}`;
}

function hostsOnPause(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "host" : "hosts"} on pause`;
}

/** `404 x3, ECONNREFUSED x1`: the `most` most frequent kinds of failures. */
export function kindsOf(failures: ProgressState["failures"], most: number): string {
  const shown = failures.slice(0, most).map(([kind, count]) => `${kind} x${formatCount(count)}`);
  if (failures.length > most) shown.push("...");
  return shown.join(", ");
}

function partsOf(state: ProgressState): Part[] {
  const { done, total, isTotalExact, perSecond, inFlight, pausedHosts, p50Ms, p95Ms, failed, failures } = state;
  const share = shareOf(state);
  const left = leftMs(state);
  const parts: Part[] = share === undefined ? [] : [barPart];
  parts.push({
    text:
      total === undefined ? formatCount(done) : `${formatCount(done)}/${isTotalExact ? "" : "~"}${formatCount(total)}`,
    rank: 0,
  });
  if (share !== undefined) parts.push({ text: percent(share), rank: 1 });
  parts.push({ text: formatRate(perSecond), rank: 2 });
  if (failed > 0) {
    parts.push({ text: `${formatCount(failed)} failed`, rank: 3, color: "red" });
    parts.push({ text: kindsOf(failures, 3), rank: 9, color: "red" });
  }
  if (pausedHosts > 0) parts.push({ text: hostsOnPause(pausedHosts), rank: 5.5 });
  parts.push({ text: `${formatCount(inFlight)} in flight`, rank: 7, color: "dim" });
  if (p50Ms !== undefined) {
    parts.push({ text: `p50 ${formatMs(p50Ms)}`, rank: 8, color: "dim" });
    parts.push({ text: `p95 ${formatMs(p95Ms!)}`, rank: 6, color: "dim" });
  }
  if (left !== undefined) parts.push({ text: `ETA ${formatClock(left)}`, rank: 4 });
  return parts;
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

function widthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.text.length, gap * (parts.length - 1));
}

const colors = { red: "31", dim: "2", cyan: "36" } as const;

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

function shareOf({ done, total }: ProgressState): number | undefined {
  if (total === undefined) return undefined;
  return total === 0 ? 1 : Math.min(1, done / total);
}

function leftMs({ done, total, perSecond }: ProgressState): number | undefined {
  return total === undefined || perSecond === 0 ? undefined : (Math.max(0, total - done) / perSecond) * 1_000;
}

/** Rounded down: 100% is when all is done. */
function percent(share: number): string {
  return `${Math.floor(share * 100)}%`;
}

function formatRate(perSecond: number): string {
  return `${perSecond < 9.95 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond))}/s`;
}
