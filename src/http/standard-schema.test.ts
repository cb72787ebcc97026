import { inspect } from "node:util";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { rawServer } from "../../test/http-server.ts";
import { cancelScope, sleep } from "../core/index.ts";
import { cancelEverywhere, expectNoLeaks, faults, openFaultServer } from "../testing/index.ts";
import { type SchemaIssue, type StandardSchema, SchemaError, openSession } from "./index.ts";

const schemas = {
  zod: z.object({ id: z.number(), items: z.array(z.object({ price: z.number() })) }),
  valibot: v.object({ id: v.number(), items: v.array(v.object({ price: v.number() })) }),
  arktype: type({ id: "number", items: type({ price: "number" }).array() }),
};

const good = { id: 1, items: [{ price: 5 }, { price: 7.5 }] };
const bad = { id: "top secret", items: [{ price: 5 }, { price: "private" }] };

/** Asks for `value` and reads it with `schema`. */
async function read(value: unknown, schema: StandardSchema, status = 200): Promise<unknown> {
  await using server = await openFaultServer(faults.status(status, JSON.stringify(value)));
  await using session = openSession({ baseUrl: server.url, retry: false });
  return await (await session.get("/orders?token=x")).json(schema);
}

/** A schema that says these things of every value. */
function saying(issues: readonly SchemaIssue[]): StandardSchema {
  return { "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) } };
}

describe.for(["zod", "valibot", "arktype"] as const)("a schema of %s", (name) => {
  test("lets through what is right", async () => {
    expect(await read(good, schemas[name])).toEqual(good);
  });

  test("fails what is wrong, and the error tells where, and nothing of the value", async () => {
    const error = await read(bad, schemas[name]).catch((reason: unknown) => reason as SchemaError);
    expect(error).toBeInstanceOf(SchemaError);
    const { code, status, method, url, message, issues } = error as SchemaError;
    expect({ code, status, method }).toEqual({ code: "HTTP_SCHEMA", status: 200, method: "GET" });
    expect(message).toBe(
      `GET ${url}: the body does not fit the schema (status 200): 2 issues, at id and items[1].price`,
    );
    expect(url).toMatch(/\/orders$/);
    expect(issues.map((issue) => issue.message).every((text) => text.length > 0)).toBe(true);
    for (const shown of [inspect(error), JSON.stringify(error), String(error)]) {
      expect(shown).not.toMatch(/secret|private|token/);
    }
  });
});

test("what a schema makes of the value is what is returned", async () => {
  const dated = z.object({ at: z.iso.date().transform((text) => new Date(text)), page: z.number().default(1) });
  expect(await read({ at: "2026-11-21" }, dated)).toEqual({ at: new Date("2026-11-21"), page: 1 });
  const parsed = type({ at: "string.date.parse" });
  expect(await read({ at: "2026-11-21" }, parsed)).toEqual({ at: new Date("2026-11-21") });
});

test("a schema may take its time", async () => {
  const known = v.objectAsync({
    name: v.pipeAsync(
      v.string(),
      v.checkAsync(async (name) => {
        await sleep(1);
        return name === "known";
      }, "is not known"),
    ),
  });
  expect(await read({ name: "known" }, known)).toEqual({ name: "known" });
  await expect(read({ name: "other" }, known)).rejects.toMatchObject({
    code: "HTTP_SCHEMA",
    issues: [{ message: "is not known" }],
  });
});

test("an answer that is an error has no other body than others", async () => {
  await expect(read({ error: "no" }, schemas.zod, 404)).rejects.toMatchObject({
    code: "HTTP_SCHEMA",
    status: 404,
    message: expect.stringContaining("(status 404): 2 issues, at id and items"),
  });
});

test("what is not JSON is said to be none, with a schema too", async () => {
  await using server = await openFaultServer(faults.ok("<html>"));
  await using session = openSession();
  await expect((await session.get(server.url)).json(schemas.zod)).rejects.toMatchObject({ code: "HTTP_INVALID_JSON" });
});

test.each<[string, SchemaIssue[], string]>([
  ["none", [{ message: "x" }], "1 issue, at the top"],
  ["an empty one", [{ message: "x", path: [] }], "1 issue, at the top"],
  ["keys in objects", [{ message: "x", path: [{ key: "a" }, { key: 0 }, { key: "b" }] }], "1 issue, at a[0].b"],
  ["the same twice", ["x", "y"].map((message) => ({ message, path: ["a"] })), "2 issues, at a"],
  ["many", ["a", "b", "c", "d", "e"].map((key) => ({ message: "x", path: [key] })), "5 issues, at a, b, c and 2 more"],
  ["strange keys", [{ message: "x", path: ["a b", "", "ü", "1\n"] }], '1 issue, at ["a b"][""].ü["1\\n"]'],
  ["a symbol", [{ message: "x", path: [Symbol("s"), "a"] }], "1 issue, at [Symbol(s)].a"],
  ["a long key", [{ message: "x", path: ["k".repeat(100)] }], `1 issue, at ${"k".repeat(39)}…`],
  ["no issue at all", [], "0 issues, at no place"],
])("a path that is %s is shown", async (_name, issues, shown) => {
  const error = await read(1, saying(issues)).catch((reason: unknown) => reason as Error);
  expect((error as Error).message).toMatch(/\(status 200\): (.*)$/s);
  expect((error as Error).message.split("(status 200): ")[1]).toBe(shown);
});

test("what a schema throws is thrown as it is", async () => {
  const failure = new Error("the schema is broken");
  const broken: StandardSchema = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: () => {
        throw failure;
      },
    },
  };
  await expect(read(1, broken)).rejects.toBe(failure);
});

test("what is no schema is refused before the body is read", async () => {
  await using server = await openFaultServer(faults.json(good));
  await using session = openSession();
  const response = await session.get(server.url);
  for (const wrong of [undefined, null, 5, {}, { "~standard": {} }, () => good]) {
    await expect(response.json(wrong as never)).rejects.toThrow("Expected `schema` to be a Standard Schema");
  }
  expect(await response.json(schemas.zod)).toEqual(good);
});

test("cancelled while it reads or validates, it ends and leaves nothing", async () => {
  await using raw = await rawServer();
  await using session = openSession();
  await cancelScope(async (scope) => {
    const pending = session.get(raw.origin);
    const peer = await raw.accept();
    await peer.head();
    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{");
    const value = (await pending).json(schemas.zod);
    scope.cancel();
    await value;
  });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });

  await using server = await openFaultServer(faults.json(good));
  const slow = z.any().refine(() => sleep(1).then(() => true));
  const ask = async (): Promise<void> => {
    await using own = openSession();
    await (await own.get(server.url)).json(slow);
  };
  await cancelEverywhere(ask);
  await expectNoLeaks(ask);
  expect(server.requests.length).toBeGreaterThan(2);
});
