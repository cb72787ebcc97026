import type { Job } from "../engine/job.ts";

/** How a request ended, as far as it matters for whether it is asked again. */
export type ResultKind = "ok" | "failed" | "bad-line";

/** Results of earlier runs, by how they ended. */
export interface ResultCounts {
  readonly succeeded: number;
  /** Bad lines included. */
  readonly failed: number;
  readonly badLines: number;
}

/** As many requests share a page of memory. */
const pageSize = 65_536;

/**
 * The requests that have their result, and what each of them was: four bytes a request.
 *
 * A request is known by its place in the input. What it asked is kept as a hash, so that an input which has changed in
 * the meantime is noticed.
 */
export class DoneSet {
  /** Requests in it. */
  size = 0;
  #succeeded = 0;
  #badLines = 0;
  /** Hashes by place; 0 is none. Pages come with the first request on them. */
  readonly #pages: (Uint32Array | undefined)[] = [];

  /** @param hash - not 0 */
  add(index: number, kind: ResultKind, hash: number): void {
    const page = (this.#pages[Math.floor(index / pageSize)] ??= new Uint32Array(pageSize));
    if (page[index % pageSize] === 0) this.size++;
    page[index % pageSize] = hash;
    if (kind === "ok") this.#succeeded++;
    else if (kind === "bad-line") this.#badLines++;
  }

  /** The hash of what was asked, or 0 if it has no result. */
  hashAt(index: number): number {
    return this.#pages[Math.floor(index / pageSize)]?.[index % pageSize] ?? 0;
  }

  get counts(): ResultCounts {
    return { succeeded: this.#succeeded, failed: this.size - this.#succeeded, badLines: this.#badLines };
  }
}

/** Of a line that is no request there is nothing to compare but that it still is none. */
export const badLineHash = 1;

/**
 * What a request asks, in 32 bits: its id, method, URL and body. Not its headers: those hold credentials, which may be
 * others the next day.
 */
export function requestHash({ id, method, target, body }: Job): number {
  let hash = hashText(0x811c_9dc5, method);
  hash = hashText(hash, target.url);
  if (id !== undefined) hash = hashText(hash, String(id));
  if (typeof body === "string") hash = hashText(hash, body);
  else if (body !== undefined) hash = hashBytes(hash, body);
  return hash >>> 0 || badLineHash;
}

// FNV-1a: for short texts it is twice as fast as a call into native code. A step before each text keeps them apart.
const prime = 0x0100_0193;

function hashText(from: number, text: string): number {
  let hash = Math.imul(from ^ 0x1ff, prime);
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), prime);
  return hash;
}

function hashBytes(from: number, bytes: Uint8Array): number {
  let hash = Math.imul(from ^ 0x1ff, prime);
  for (const byte of bytes) hash = Math.imul(hash ^ byte, prime);
  return hash;
}
