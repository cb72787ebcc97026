/** Sends a signal to a process of a pool and to all that it has started. Does nothing if none is left. */
export function killGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    // Windows has no such groups.
    process.kill(process.platform === "win32" ? leader : -leader, signal);
  } catch {
    // They have ended.
  }
}
