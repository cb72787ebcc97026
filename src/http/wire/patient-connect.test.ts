import type { Socket } from "node:net";
import { expect, test } from "vitest";
import type { Connected, Connector } from "../undici.ts";
import { connectPatiently } from "./patient-connect.ts";

const to = { protocol: "http:", hostname: "a.test", port: "80" };
const failing = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });

/** A connector that fails with these errors, one after the other, and then connects. */
function connectorOf(errors: readonly Error[]): { connect: Connector; attempts: () => number } {
  let attempts = 0;
  const connect = (_to: unknown, connected: Connected): { destroy: () => void } => {
    const error = errors[attempts++] ?? null;
    queueMicrotask(() => connected(error, error === null ? ({} as Socket) : null));
    return { destroy: () => {} };
  };
  return { connect, attempts: () => attempts };
}

const ended = (connect: Connector, ranOut: () => void): Promise<Error | null> =>
  new Promise((resolve) => connectPatiently(connect, to, (error) => resolve(error), ranOut));

test("without descriptors it is tried again until there is one", async () => {
  const { connect, attempts } = connectorOf([failing("EMFILE"), failing("ENFILE")]);
  let ranOut = 0;
  expect(await ended(connect, () => ranOut++)).toBeNull();
  expect([attempts(), ranOut]).toEqual([3, 2]);
});

test("descriptors may be missing on the way to a proxy", async () => {
  const { connect, attempts } = connectorOf([new Error("no proxy", { cause: failing("EMFILE") })]);
  expect(await ended(connect, () => {})).toBeNull();
  expect(attempts()).toBe(2);
});

test("other errors are told at once", async () => {
  const error = failing("ECONNREFUSED");
  const { connect, attempts } = connectorOf([error]);
  expect(await ended(connect, () => {})).toBe(error);
  expect(attempts()).toBe(1);
});

test("destroyed while it waits, it tries no more", async () => {
  const { connect, attempts } = connectorOf([failing("EMFILE")]);
  const ranOut = Promise.withResolvers<void>();
  const told: unknown[] = [];
  const connecting = connectPatiently(connect, to, (error) => told.push(error), ranOut.resolve);
  await ranOut.promise;
  connecting.destroy();
  // Those that come after it have waited longer, so its own time is over.
  const other = connectorOf([failing("EMFILE"), failing("EMFILE")]);
  await ended(other.connect, () => {});
  expect([attempts(), told]).toEqual([1, []]);
});
