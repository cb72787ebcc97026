import fc from "fast-check";
import { expect, test } from "vitest";
import type { WireHeaders } from "../../http/index.ts";
import { usedUpForMs } from "./quota-headers.ts";

const dateMs = Date.UTC(2026, 0);

test.each<[string, WireHeaders, number | undefined]>([
  ["nothing", {}, undefined],
  ["something left", { "x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1s" }, undefined],
  ["no requests left", { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s" }, 1_000],
  ["no tokens left", { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s" }, 360_000],
  ["milliseconds", { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "17ms" }, 17],
  ["hours and parts", { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1h0m1.5s" }, 3_601_500],
  ["seconds", { "ratelimit-remaining": "0", "ratelimit-reset": "12" }, 12_000],
  ["seconds since 1970", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(dateMs / 1_000 + 90) }, 90_000],
  ["a date that is past", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(dateMs / 1_000 - 90) }, 0],
  [
    "the longer of two",
    {
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "2s",
      "x-ratelimit-remaining-tokens": "0",
      "x-ratelimit-reset-tokens": "9s",
    },
    9_000,
  ],
  ["a reset that says nothing", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon" }, undefined],
  ["no reset", { "x-ratelimit-remaining": "0" }, undefined],
  ["several resets", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": ["1", "2"] }, undefined],
])("headers that say %s", (_what, headers, ms) => {
  expect(usedUpForMs(headers, dateMs)).toBe(ms);
});

test("whatever a server sends, it is a time or nothing", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(..."0123456789.msh-e+") }),
    fc.constant("9".repeat(400)),
  );
  fc.assert(
    fc.property(text, text, (remaining, reset) => {
      for (const left of ["0", remaining]) {
        const ms = usedUpForMs({ "x-ratelimit-remaining": left, "x-ratelimit-reset": reset }, dateMs);
        expect(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
      }
    }),
  );
});
