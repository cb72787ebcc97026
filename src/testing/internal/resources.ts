/** What keeps the loop of the process alive, by kind: sockets, timers, requests to the file system. */
export type Resources = ReadonlyMap<string, number>;

/** Gone with the next turn of the loop. */
const passing = new Set(["Immediate", "TickObject"]);

export function activeResources(): Resources {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!passing.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** What there is more of than `before`: "2 x TCPSocketWrap". */
export function grownBy(before: Resources): string[] {
  const grown: string[] = [];
  for (const [kind, count] of activeResources()) {
    const more = count - (before.get(kind) ?? 0);
    if (more > 0) grown.push(more === 1 ? kind : `${more} x ${kind}`);
  }
  return grown;
}
