import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DoneSet, requestHash } from "./done-set.ts";
import { type RawRequest, JobBuilder } from "../input/job-builder.ts";

function hashOf(request: RawRequest): number {
  return requestHash(new JobBuilder().fromRequest(1, request));
}

describe("DoneSet", () => {
  test("has what was added, and nothing else", () => {
    const entry = fc.record({ index: fc.nat(300_000), hash: fc.integer({ min: 1, max: 2 ** 32 - 1 }) });
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ index }) => index }), fc.nat(300_000), (entries, other) => {
        const done = new DoneSet();
        for (const { index, hash } of entries) done.add(index, "ok", hash);
        expect(done.size).toBe(entries.length);
        expect(entries.every(({ index, hash }) => done.hashAt(index) === hash)).toBe(true);
        expect(done.hashAt(other)).toBe(entries.find(({ index }) => index === other)?.hash ?? 0);
      }),
    );
  });

  test("counts how requests ended", () => {
    const done = new DoneSet();
    done.add(1, "ok", 5);
    done.add(2, "failed", 5);
    done.add(3, "bad-line", 5);
    expect(done.counts).toEqual({ succeeded: 1, failed: 2, badLines: 1 });
  });
});

describe("the hash of a request", () => {
  const url = "http://a.example/b";

  test.each([
    ["the URL", { url: `${url}c` }],
    ["the method", { url, method: "PUT" }],
    ["the body", { url, body: "x" }],
    ["the bytes of the body", { url, body: Buffer.from("y") }],
    ["the id", { url, id: "x" }],
  ])("depends on %s", (_, request) => {
    expect(hashOf(request)).not.toBe(hashOf({ url }));
  });

  test("does not depend on headers, which hold credentials", () => {
    expect(hashOf({ url, headers: { authorization: "x" } })).toBe(hashOf({ url }));
  });

  test("tells apart what is in the one part from what is in the next", () => {
    expect(hashOf({ url, id: "ab", body: "c" })).not.toBe(hashOf({ url, id: "a", body: "bc" }));
  });
});
