import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import { TemporaryFolder } from "../../../test/cli.ts";
import type { Attempt } from "../engine/attempt.ts";
import { BodyFolder } from "./body-folder.ts";
import { Job } from "../engine/job.ts";
import type { ResultOutput } from "./result-output.ts";
import { TargetParser } from "../input/target.ts";

const target = new TargetParser().parse("http://example.com/");

function attempt(index: number, status: number, bodyBytes: number): Attempt {
  const job = new Job(index, undefined, target, "GET", [], undefined);
  const chunks = [Buffer.alloc(bodyBytes, "x")];
  return {
    job,
    startMs: 0,
    endMs: 0,
    answer: { status, headers: {}, chunks, bodyBytes, firstByteMs: 0, totalMs: 0 },
    failure: undefined,
  };
}

/** Keeps the numbers of what it is given. */
class Kept implements ResultOutput {
  readonly done: undefined = undefined;
  readonly bytes = 0;
  readonly waitingBytes = 0;
  readonly indexes: number[] = [];

  start(): void {}
  settled(last: Attempt): void {
    this.indexes.push(last.job.index);
  }
  foundBadLine(): void {}
  async end(): Promise<void> {}
  abandon(): void {}
}

test.each([
  ["the bodies of failures", 404, 1_000_000, 20],
  ["results alone", 200, 0, 20_000],
])("a disk that takes no more holds up requests, though it is %s that gather", async (_what, status, bytes, count) => {
  using folder = new TemporaryFolder();
  // Whoever opens this to write waits for one who reads.
  execFileSync("mkfifo", [folder.at(".1.bin.part")]);
  const results = new Kept();
  const bodies = new BodyFolder(folder.path, results);
  let isFull = false;
  const ready = Promise.withResolvers<void>();
  bodies.start({ onFull: () => (isFull = true), onReady: ready.resolve, onError: ready.reject });
  bodies.settled(attempt(1, 200, 10));
  for (let index = 2; index <= count; index++) bodies.settled(attempt(index, status, bytes));
  expect(isFull).toBe(true);
  const reader = openSync(folder.at(".1.bin.part"), "r");
  await ready.promise;
  await bodies.end();
  closeSync(reader);
  expect(results.indexes).toEqual(Array.from({ length: count }, (_, index) => index + 1));
});
