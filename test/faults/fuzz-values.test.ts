/** Values that others write: Retry-After, NO_PROXY, proxies, headers. Whatever they are, what is made of them makes sense. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fetchAll } from "../../src/fetch/index.ts";
import { openSession } from "../../src/http/index.ts";
import { NoProxy, splitNoProxy } from "../../src/http/wire/no-proxy.ts";
import { readProxy } from "../../src/http/wire/proxy.ts";
import { mergeHeaders } from "../../src/http/request/request-headers.ts";
import { retryAfterMs } from "../../src/http/attempts/retryable.ts";
import { now } from "../../src/index.ts";
import { faults, openFaultServer, withVirtualTime } from "../../src/testing/index.ts";

const dayMs = 24 * 60 * 60 * 1_000;
const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const longDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** The three forms of RFC 9110. */
const forms: Readonly<Record<string, (date: Date) => string>> = {
  "IMF-fixdate": (date) => date.toUTCString(),
  "RFC 850": (date) => {
    const [, day, month, year, time] = date.toUTCString().split(" ");
    return `${longDays[date.getUTCDay()]}, ${day}-${month}-${year!.slice(2)} ${time} GMT`;
  },
  asctime: (date) => {
    const [, day, month, year, time] = date.toUTCString().split(" ");
    return `${days[date.getUTCDay()]} ${month} ${day!.replace(/^0/, " ")} ${time} ${year}`;
  },
};

const seconds = (ms: number): number => Math.floor(ms / 1_000) * 1_000;
const date = fc.date({ min: new Date(0), max: new Date(Date.UTC(2049, 0)), noInvalidDate: true });

const nonsense = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.double().map(String),
  fc.bigInt().map(String),
  fc.integer({ min: 0, max: 10 }).map((digits) => "9".repeat(10 ** (digits / 3))),
  fc.date({ noInvalidDate: true }).map((when) => when.toUTCString()),
  fc.tuple(date, fc.constantFrom(...Object.keys(forms)), fc.nat()).map(([when, form, at]) => {
    const text = forms[form]!(when);
    return text.slice(0, at % text.length) + text.slice((at % text.length) + 1);
  }),
);

describe("Retry-After", () => {
  test.for(Object.keys(forms))("is read as a date of the form %s, against the Date of the answer", (form) => {
    const write = forms[form]!;
    fc.assert(
      fc.property(date, date, (when, at) => {
        const headers = { "retry-after": write(when), date: at.toUTCString() };
        expect(retryAfterMs(headers, 0)).toBe(Math.max(0, seconds(when.getTime()) - seconds(at.getTime())));
      }),
    );
  });

  test("of any text never throws, and is milliseconds, 0 or more, or nothing", () => {
    fc.assert(
      fc.property(nonsense, fc.option(nonsense, { nil: undefined }), fc.nat(), (value, at, dateMs) => {
        const ms = retryAfterMs({ "retry-after": value, date: at }, dateMs) ?? 0;
        expect(ms >= 0 && Number.isFinite(ms)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test("of any text lets sessions and batches end, after a day at most", async () => {
    const printable = nonsense.filter((text) => /^[\x20-\x7e]{0,200}$/.test(text));
    const long = fc.integer({ min: 0, max: 3 * 86_400 }).map(String);
    await fc.assert(
      fc.asyncProperty(fc.oneof(printable, long), fc.constantFrom(429, 500, 503), (retryAfter, status) =>
        withVirtualTime(async () => {
          const busy = faults.status(status, "", { headers: { "retry-after": retryAfter } });
          await using server = await openFaultServer({
            "/session": [busy, faults.ok()],
            "/batch": [busy, faults.ok()],
          });
          await using session = openSession({ retry: { maxTimeMs: Infinity } });
          const beganMs = now();
          expect([200, status]).toContain((await session.get(`${server.url}/session`)).status);
          for await (const outcome of fetchAll([`${server.url}/batch`]))
            expect([200, status]).toContain(outcome.status);
          expect(now() - beganMs).toBeLessThanOrEqual(2 * dayMs + 60_000);
        }),
      ),
      { numRuns: 60 },
    );
  });
});

describe("proxies", () => {
  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
  );
  const port = fc.integer({ min: 1, max: 65_535 });

  test("NO_PROXY of any text never throws, and * in it covers all", () => {
    const url = fc.tuple(host, port).map(([name, at]) => new URL(`http://${name}:${at}/`));
    const bits = fc.array(
      fc.constantFrom("*", ".", ",", " ", "/", "8", "128", "999", ":", "[", "]", "::", "10.0.0.0", "a.b", "%"),
    );
    const list = fc.oneof(
      fc.string(),
      bits.map((parts) => parts.join("")),
      nonsense,
    );
    fc.assert(
      fc.property(list, url, (text, to) => {
        expect(typeof new NoProxy(splitNoProxy(text)).covers(to)).toBe("boolean");
        expect(new NoProxy(splitNoProxy(`${text} *`)).covers(to)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test("NO_PROXY covers a host that it names, what is below it, and no other", () => {
    fc.assert(
      fc.property(fc.domain(), fc.domain(), port, (name, other, at) => {
        expect(covers(`x.test,${name}`, `${name}:${at}`)).toBe(true);
        expect(covers(`${name}:${at}`, `${name}:${at}`)).toBe(true);
        expect(covers(name, `sub.${name}`)).toBe(true);
        expect(covers(name, `sub${name}`)).toBe(false);
        fc.pre(other !== name && !other.endsWith(`.${name}`));
        expect(covers(name, other)).toBe(false);
      }),
    );
  });

  test("a proxy of any text is one, or refused without showing it", () => {
    const text = fc.oneof(
      nonsense,
      fc.webUrl({ withQueryParameters: true }),
      fc.tuple(fc.string(), fc.webUrl()).map((all) => all.join("@")),
    );
    fc.assert(
      fc.property(text, (given) => {
        fc.pre(given !== "environment");
        expect(outcomeOf(() => readProxy(`${given}pa55word`, undefined, {})("http://example.com"))).not.toContain(
          "pa55word",
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

test("headers of any text are sent as they are, or refused without showing it", () => {
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.constantFrom("a\r\nb: c", "a\nb", "\0", "é", "€"),
  );
  fc.assert(
    fc.property(value, (text) => {
      const secret = `${text}pa55word`;
      const isAllowed = /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
      const said = outcomeOf(() => mergeHeaders([], { "x-own": secret }));
      expect(said).toBe(isAllowed ? `x-own,${secret}` : said);
      expect(said.includes("pa55word")).toBe(isAllowed);
    }),
    { numRuns: 1_000 },
  );
});

function covers(list: string, to: string): boolean {
  return new NoProxy(splitNoProxy(list)).covers(new URL(`http://${to}/`));
}

/** What comes of it, or the message of the TypeError. */
function outcomeOf(fn: () => unknown): string {
  try {
    const made = fn();
    return typeof made === "object" && made !== null && "name" in made ? "a proxy" : String(made);
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}
