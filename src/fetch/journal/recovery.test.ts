import { sectorSum } from "./sector-sum.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StoredChunk } from "./journal-file.ts";
import { RecordWriter, readRecords } from "./line-records.ts";
import { type Recovered, recover } from "./recovery.ts";

/** A run as it wanted to be: lines, and after how many of them chunks end. */
interface Run {
  readonly lines: readonly string[];
  readonly chunks: readonly StoredChunk[];
  readonly file: Buffer;
}

const lineOf = (index: number, text: string): string => `${JSON.stringify({ index, text })}\n`;

/** Lines are in no order, as requests end in none. */
const runs: fc.Arbitrary<Run> = fc
  .record({
    /** Some requests have no line, because only failures are wanted. */
    texts: fc.array(fc.option(fc.string({ maxLength: 40, unit: "grapheme" })), { minLength: 1, maxLength: 40 }),
    ends: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    seed: fc.nat(),
  })
  .map(({ texts, ends, seed }) => {
    const indexes = texts.map((_, index) => index * 3);
    indexes.sort((a, b) => ((a * 7919 + seed) % 101) - ((b * 7919 + seed) % 101) || a - b);
    const lines = texts.map((text, at) => (text === null ? "" : lineOf(indexes[at]!, text)));
    const chunks: StoredChunk[] = [];
    let offset = 0;
    let inChunk: string[] = [];
    const records = new RecordWriter();
    lines.forEach((line, at) => {
      records.add(indexes[at]!, at % 5 === 0 ? "failed" : "ok", indexes[at]! + 1, Buffer.byteLength(line));
      inChunk.push(line);
      if (ends[at] === true || at === lines.length - 1) {
        const bytes = Buffer.from(inChunk.join(""));
        const number = chunks.length + 1;
        chunks.push({ number, offset, bytes: bytes.length, sum: sectorSum(bytes, offset), records: records.take() });
        offset += bytes.length;
        inChunk = [];
      }
    });
    return { lines, chunks, file: Buffer.from(lines.join("")) };
  });

function recovered(chunks: readonly StoredChunk[], file: Buffer, syncedBytes: number): Recovered {
  return recover({
    chunks,
    syncedBytes,
    fileBytes: file.length,
    read: (from, bytes) => file.subarray(from, from + bytes),
  });
}

/** The requests without a line that a chunk tells of. */
function silentIn({ records }: StoredChunk): number[] {
  return [...readRecords(records)].filter(({ bytes }) => bytes === 0).map(({ index }) => index);
}

/** What is kept are whole lines, and those are what is known to be done, with what was to have none. */
function expectConsistent({ done, keptBytes }: Recovered, chunks: readonly StoredChunk[], file: Buffer): void {
  const kept = file.subarray(0, keptBytes).toString();
  const indexes = kept
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { index: number }).index);
  expect(kept === "" || kept.endsWith("\n")).toBe(true);
  expect(indexes.every((index) => done.hashAt(index) === index + 1)).toBe(true);
  const silent = chunks.flatMap(silentIn).filter((index) => done.hashAt(index) !== 0);
  expect(done.size).toBe(indexes.length + silent.length);
  const before = chunks
    .filter(({ offset, bytes }) => offset + bytes <= keptBytes && offset < keptBytes)
    .flatMap(silentIn);
  expect(before.every((index) => done.hashAt(index) === index + 1)).toBe(true);
}

/** What the journal has when the recovery has ended. */
function repaired(chunks: readonly StoredChunk[], { brokenFrom, replacement }: Recovered): StoredChunk[] {
  const rest = chunks.filter(({ number }) => brokenFrom === undefined || number < brokenFrom);
  return replacement === undefined ? rest : [...rest, { number: brokenFrom!, ...replacement }];
}

const numRuns = 1_000;

describe("recovery", () => {
  test("keeps each whole line of a process that was killed at any byte", () => {
    fc.assert(
      fc.property(
        runs,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        ({ lines, chunks, file }, share, isNextKnown) => {
          const cut = Math.floor(share * file.length);
          // Of the chunk that was being written and those before it, the journal knows. Perhaps of one that was not begun.
          const known = chunks.filter(({ offset }) => (isNextKnown ? offset <= cut : offset < cut));
          const there = file.subarray(0, cut);
          const result = recovered(known, there, 0);
          expectConsistent(result, known, there);
          let whole = 0;
          for (const line of lines) {
            if (whole + Buffer.byteLength(line) > cut) break;
            whole += Buffer.byteLength(line);
          }
          expect(result.keptBytes).toBe(whole);
        },
      ),
      { numRuns },
    );
  });

  test("done again after it was broken off changes nothing", () => {
    fc.assert(
      fc.property(
        runs,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        ({ chunks, file }, share, isRepaired) => {
          const cut = Math.floor(share * file.length);
          const known = chunks.filter(({ offset }) => offset < cut);
          const first = recovered(known, file.subarray(0, cut), 0);
          const there = file.subarray(0, first.keptBytes);
          const second = recovered(isRepaired ? repaired(known, first) : known, there, 0);
          expect(second.keptBytes).toBe(first.keptBytes);
          expect(second.done.size).toBe(first.done.size);
          expectConsistent(second, known, there);
        },
      ),
      { numRuns },
    );
  });

  test("trusts nothing that a loss of power has left, but for what was synced and what has its checksum", () => {
    const damages = fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), bytes: fc.nat(50) }));
    const shares = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(runs, damages, shares, fc.nat(5), ({ chunks, file }, damage, [synced, length], lostRows) => {
        const syncedChunks = Math.floor(synced * chunks.length);
        const syncedBytes = chunks[syncedChunks]?.offset ?? file.length;
        // Commits of the journal may be lost as well, from the last on.
        const known = chunks.slice(0, Math.max(syncedChunks, chunks.length - lostRows));
        const there = Buffer.from(file.subarray(0, syncedBytes + Math.floor(length * (file.length - syncedBytes))));
        for (const { at, bytes } of damage) {
          const from = syncedBytes + Math.floor(at * (there.length - syncedBytes));
          there.fill(0, from, Math.min(there.length, from + bytes));
        }
        const result = recovered(known, there, syncedBytes);
        expectConsistent(result, known, there);
        expect(result.keptBytes).toBeGreaterThanOrEqual(syncedBytes);
      }),
      { numRuns },
    );
  });

  test("packs the lines that are left of a chunk anew, with their checksum", () => {
    const records = new RecordWriter();
    const lines = [lineOf(4, "a"), lineOf(2, "b"), lineOf(9, "c")];
    for (const [at, line] of lines.entries()) records.add([4, 2, 9][at]!, "ok", 1, line.length);
    const whole = lines.join("");
    const chunk = {
      number: 2,
      offset: 100,
      bytes: whole.length,
      sum: sectorSum(Buffer.from(whole), 100),
      records: records.take(),
    };
    const file = Buffer.from(" ".repeat(100) + whole.slice(0, -1));
    const before = { number: 1, offset: 0, bytes: 100, sum: 0, records: Buffer.alloc(0) };
    const { replacement, brokenFrom, keptBytes } = recovered([before, chunk], file, 100);
    const left = lines[0]! + lines[1]!;
    expect({ brokenFrom, keptBytes }).toEqual({ brokenFrom: 2, keptBytes: 100 + left.length });
    expect(replacement).toMatchObject({ offset: 100, bytes: left.length, sum: sectorSum(Buffer.from(left), 100) });
    expect([...readRecords(replacement!.records)].map(({ index }) => index)).toEqual([4, 2]);
  });
});
