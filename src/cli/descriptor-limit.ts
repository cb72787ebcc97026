import { readFileSync } from "node:fs";

/** What the process needs beside its connections: the program, input, output, terminal, name lookups. */
const reserved = 64;

/**
 * How many connections the limit on open files leaves room for. Without the room, requests would fail with EMFILE.
 *
 * Node raises the soft limit to the hard one when it starts, so what is read here is what there is.
 */
export function connectionRoom(limits: string | undefined = readLimits()): number {
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(limits ?? "") ?? [];
  return soft === undefined || soft === "unlimited" ? Infinity : Math.max(1, Number(soft) - reserved);
}

function readLimits(): string | undefined {
  try {
    return readFileSync("/proc/self/limits", "latin1");
  } catch {
    return undefined;
  }
}
