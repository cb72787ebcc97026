import fc from "fast-check";
import { expect, test } from "vitest";
import { EventParser, type ServerSentEvent } from "./event-parser.ts";

interface Parsed {
  readonly events: readonly ServerSentEvent[];
  readonly lastEventId: string;
  readonly retryMs: number | undefined;
  readonly isTooLong: boolean;
}

function parse(chunks: readonly (string | Uint8Array)[], maxEventBytes = Infinity): Parsed {
  const parser = new EventParser(maxEventBytes);
  const events = chunks.flatMap((chunk) => [...parser.push(Buffer.from(chunk as string))]);
  const { lastEventId, retryMs, isTooLong } = parser;
  return { events, lastEventId, retryMs, isTooLong };
}

function dataOf(text: string): string[] {
  return parse([text]).events.map(({ data }) => data);
}

/** The standard, word for word, on a whole stream: what the parser must do however the bytes come. */
function parseWhole(bytes: Buffer): Omit<Parsed, "isTooLong"> {
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\r|\n/);
  lines.pop(); // A line without an end is none.
  const events: ServerSentEvent[] = [];
  let [data, type, id, lastEventId] = ["", "", "", ""];
  let retryMs: number | undefined;
  for (const line of lines) {
    if (line === "") {
      lastEventId = id;
      if (data !== "") events.push({ type: type === "" ? "message" : type, data: data.slice(0, -1), id });
      [data, type] = ["", ""];
      continue;
    }
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (name === "event") type = value;
    if (name === "data") data += `${value}\n`;
    if (name === "id" && !value.includes("\0")) id = value;
    if (name === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }
  return { events, lastEventId, retryMs };
}

const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const piece = fc.constantFrom(
  ..."\n|\r|\r\n|:|: |data|data:|data: |event: |id: |id|retry: |retry: 12|7|a|ä|\u{1F600}|\0|\uFEFF| ".split("|"),
);
const stream = fc
  .array(fc.oneof({ weight: 9, arbitrary: piece.map((text) => Buffer.from(text)) }, fc.uint8Array({ maxLength: 3 })))
  .map((parts) => Buffer.concat(parts));

function cutUp(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

test("any bytes, cut anywhere, give the events of the standard", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat()), (bytes, cuts) => {
      expect(parse(cutUp(bytes, cuts))).toEqual({ ...parseWhole(bytes), isTooLong: false });
    }),
    { numRuns: 2_000 },
  );
});

test("what is too long is too long wherever the bytes are cut, and what came before it comes", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat()), fc.integer({ min: 1, max: 40 }), (bytes, cuts, maxEventBytes) => {
      expect(parse(cutUp(bytes, cuts), maxEventBytes)).toEqual(parse([bytes], maxEventBytes));
    }),
    { numRuns: 2_000 },
  );
});

test("events that are written are read again", () => {
  const text = fc.string({ unit: fc.constantFrom("a", ":", " ", "ä", "\u{1F600}", "data: ") });
  const event = fc.record({ type: text, data: fc.array(text, { minLength: 1, maxLength: 3 }), id: text });
  fc.assert(
    fc.property(fc.array(event), lineEnd, fc.array(fc.nat()), (events, end, cuts) => {
      const written = events.map(({ type, data, id }) => {
        const lines = [`event: ${type}`, ...data.map((line) => `data: ${line}`), ": a comment", `id: ${id}`];
        return lines.join(end) + end + end;
      });
      const expected = events.map(({ type, data, id }) => ({ type: type || "message", data: data.join("\n"), id }));
      expect(parse(cutUp(Buffer.from(written.join("")), cuts)).events).toEqual(expected);
    }),
  );
});

test("the examples of the standard", () => {
  expect(dataOf("data: YHOO\ndata: +2\ndata: 10\n\n")).toEqual(["YHOO\n+2\n10"]);
  expect(parse([": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n"])).toEqual(
    {
      events: [
        { type: "message", data: "first event", id: "1" },
        { type: "message", data: "second event", id: "" },
      ],
      lastEventId: "",
      retryMs: undefined,
      isTooLong: false,
    },
  );
  expect(dataOf("data\n\ndata\ndata\n\ndata:\n")).toEqual(["", "\n"]);
  expect(dataOf("data:test\n\ndata: test\n\n")).toEqual(["test", "test"]);
});

test("one byte order mark at the beginning is none of the first line, and a second is", () => {
  expect(dataOf("\uFEFFdata: a\n\n")).toEqual(["a"]);
  expect(dataOf("\uFEFF\uFEFFdata: a\n\ndata: b\n\n")).toEqual(["b"]);
});

test("an id with NUL is ignored, and one without data counts", () => {
  expect(parse(["id: 1\n\nid: 2\0\n\n"]).lastEventId).toBe("1");
  expect(parse(["id: 1\ndata: x\n"]).lastEventId).toBe("");
});

test("a time to retry is taken from digits only", () => {
  expect(parse(["retry: 1500\n"]).retryMs).toBe(1_500);
  expect(parse(["retry: 1.5\nretry: -1\nretry: 9e9\nretry: \nretry\n"]).retryMs).toBe(undefined);
  expect(parse([`retry: ${"9".repeat(400)}\n`]).retryMs).toBe(undefined);
});

test("an event may be as long as allowed, comments between its lines aside", () => {
  const text = `data: ${"x".repeat(14)}\n:${"c".repeat(19)}\n:more\n\n`;
  expect(parse([text], 20)).toMatchObject({ events: [{ data: "x".repeat(14) }], isTooLong: false });
  expect(parse([text], 19)).toMatchObject({ events: [], isTooLong: true });
});

test("comments without end are no event that is too long, and a line without end is", () => {
  expect(
    parse(
      Array.from({ length: 100 }, () => ":heartbeat\n"),
      20,
    ).isTooLong,
  ).toBe(false);
  expect(
    parse(
      Array.from({ length: 100 }, () => "x"),
      20,
    ),
  ).toMatchObject({ events: [], isTooLong: true });
});
