import fc from "fast-check";
import { expect, test } from "vitest";
import { ContextVar, deadlineAt, now, shield } from "../core/index.ts";
import { faults, openFaultServer } from "../testing/index.ts";
import { type SessionOptions, openSession } from "./index.ts";
import { childOf } from "./attempts/propagation.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = `00-${traceId}-00f067aa0ba902b7-01`;

test("propagateDeadline sends the time that is left when the request goes out", async () => {
  await using server = await openFaultServer([faults.delayed(60, faults.ok()), faults.ok()]);
  await using session = openSession({ propagateDeadline: true, limit: 1 });
  await deadlineAt(now() + 10_000, () =>
    Promise.all([session.get(server.url), session.get(server.url)].map(async (response) => (await response).text())),
  );
  const [first, second] = server.requests.map(({ headers }) => Number(headers["request-timeout-ms"])) as [
    number,
    number,
  ];
  expect(first).toBeLessThanOrEqual(10_000);
  expect(first).toBeGreaterThan(0);
  // It waited for the slot of the first.
  expect(first - second).toBeGreaterThanOrEqual(50);
});

test("it is the nearest of the deadline and the time of the request, under the name that was chosen", async () => {
  await using server = await openFaultServer();
  await using session = openSession({ propagateDeadline: "X-Left", timeout: 5_000 });
  await session.get(server.url);
  await session.get(server.url, { timeout: { totalMs: Infinity } });
  await session.get(server.url, { headers: { "x-left": "mine" } });
  await deadlineAt(now() + 60_000, () => shield(() => session.get(server.url, { timeout: { totalMs: Infinity } })));
  expect(server.requests.map(({ headers }) => headers["x-left"])).toEqual(["5000", undefined, "mine", undefined]);
});

test("propagateTrace passes the trace on, each request with a span of its own", async () => {
  await using server = await openFaultServer([faults.status(503), faults.ok()]);
  const trace = new ContextVar<string>("traceparent");
  await using session = openSession({ propagateTrace: trace, limit: 1, retry: { backoff: () => 0 } });
  await trace.run(parent, () => Promise.all([session.get(server.url), session.get(server.url).then((r) => r.text())]));
  await session.get(server.url);
  const sent = server.requests.map(({ headers }) => headers["traceparent"]);
  expect(sent.pop()).toBeUndefined();
  expect(sent.length).toBe(3);
  for (const one of sent) expect(one).toMatch(new RegExp(`^00-${traceId}-[\\da-f]{16}-01$`));
  expect(new Set([...sent, parent]).size).toBe(4);
});

test.each([
  "",
  "00",
  parent.toUpperCase(),
  `ff${parent.slice(2)}`,
  parent.replace(traceId, "0".repeat(32)),
  `${parent}x`,
])("what is no traceparent is not passed on: %s", (text) => {
  expect(childOf(text)).toBeUndefined();
});

test("of a later version what is known is passed on", () => {
  expect(childOf(`01${parent.slice(2)}-more`)).toMatch(new RegExp(`^00-${traceId}-[\\da-f]{16}-01$`));
});

test("never throws, and never gives what cannot be sent", () => {
  fc.assert(fc.property(fc.string(), (text) => /^[\da-f-]*$/.test(childOf(text) ?? "")));
});

test.each<[object, string]>([
  [{ propagateDeadline: 3 }, "Expected `propagateDeadline` to be a boolean or the name of a header, got `3` (number)"],
  [{ propagateDeadline: "a b" }, "Expected `headers` to be named by HTTP tokens"],
  [{ propagateTrace: parent }, "Expected `propagateTrace` to be a ContextVar"],
])("refuses %o", (options, message) => {
  expect(() => openSession(options as SessionOptions)).toThrow(message);
});
