import { describe, expect, test } from "vitest";
import { type EncodedError, decodeError, encodeError } from "./error-codec.ts";
import { copyOf } from "./serialize.ts";

/** What arrives of something that is thrown. */
function sent(thrown: unknown, kind: keyof typeof copyOf): unknown {
  // To send it must not fail.
  return decodeError(copyOf[kind](encodeError(thrown, copyOf[kind])) as EncodedError, undefined);
}

function withGetter(error: Error, key: string, get: () => unknown): Error {
  return Object.defineProperty(error, key, { get, enumerable: true });
}

const fail = (): never => {
  throw new Error("nobody may read this");
};

describe.each(["thread", "process"] as const)("an error from a %s", (kind) => {
  test("that was thrown as another was on its way has both", () => {
    const thrown = new SuppressedError(new RangeError("cleanup"), new TypeError("body"), "both");

    const error = sent(thrown, kind) as SuppressedError;

    expect(error).toBeInstanceOf(SuppressedError);
    expect(error.message).toBe("both");
    expect(error.error).toStrictEqual(new RangeError("cleanup"));
    expect(error.suppressed).toStrictEqual(new TypeError("body"));
  });

  test("of the platform's own class has that", () => {
    const error = sent(new DOMException("given up", "AbortError"), kind);

    expect(error).toBeInstanceOf(DOMException);
    expect(error).toMatchObject({ name: "AbortError", message: "given up", code: 20 });
  });

  test("of which something cannot be read has all the rest", () => {
    for (const key of ["stack", "cause", "extra", "message", "name"]) {
      const thrown = withGetter(Object.assign(new RangeError("the message"), { code: "ODD" }), key, fail);
      const error = sent(thrown, kind) as Error;

      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ code: "ODD", message: key === "message" ? "" : "the message" });
    }
  });

  test("that has lists which cannot be read has the rest, or says so at least", () => {
    const list: unknown[] = new Proxy([], { get: fail });

    expect(sent(Object.assign(new RangeError("the message"), { list }), kind)).toStrictEqual(
      new RangeError("the message"),
    );
    expect(sent(new Error("the message", { cause: list }), kind)).toBe("an error that cannot be read");
  });

  test("keeps a code that its class has, and fields of any name", () => {
    class Coded extends Error {
      readonly errors = ["first", "second"];
      readonly suppressed = 3;
      get code(): string {
        return "OF_CLASS";
      }
    }

    expect(sent(new Coded("x"), kind)).toMatchObject({ code: "OF_CLASS", errors: ["first", "second"], suppressed: 3 });
  });

  test("keeps all of the errors in its fields, as a group of tasks leaves them there", () => {
    const second = Object.assign(new TypeError("second"), { code: "SECOND" });
    const thrown = Object.assign(new RangeError("first"), { suppressed: [second, "third"], inner: second });

    const error = sent(thrown, kind) as typeof thrown;

    expect(Object.keys(error)).toEqual(["suppressed", "inner"]);
    expect(error.inner).toBeInstanceOf(TypeError);
    expect(error.inner).toMatchObject({ message: "second", code: "SECOND" });
    expect(error.suppressed).toEqual([error.inner, "third"]);
    expect(error.suppressed[0]).toBe(error.inner);
  });

  test("is read once, so what changes with each reading fails nothing", () => {
    let readings = 0;
    const once = {
      get value() {
        return ++readings > 1 ? fail() : "first";
      },
    };

    expect(sent(Object.assign(new Error("x"), { once }), kind)).toMatchObject({ once: { value: "first" } });
  });

  test("that is its own cause stays so, however many lead back to it", () => {
    const parts = Array.from({ length: 200 }, (_, i) => new Error(`part ${i}`));
    const whole = new AggregateError(parts, "whole");
    for (const part of parts) part.cause = whole;

    const error = sent(whole, kind) as AggregateError;

    expect(error.errors).toHaveLength(200);
    expect(error.errors.every((part: Error, i) => part.message === `part ${i}` && part.cause === error)).toBe(true);
  });

  test("has a long chain of causes as far as it makes sense", () => {
    let thrown = new Error("0");
    for (let i = 1; i < 100_000; i++) thrown = new Error(String(i), { cause: thrown });

    let error: Error | undefined = sent(thrown, kind) as Error;
    let length = 0;
    for (; error !== undefined; error = error.cause as Error | undefined) length++;

    expect(length).toBe(17);
  });

  test("that is none arrives as it is, or as text", () => {
    for (const thrown of [undefined, null, 0, "text", { deep: [1] }, 2n]) expect(sent(thrown, kind)).toEqual(thrown);
    expect(sent(Symbol("s"), kind)).toBe("Symbol(s)");
    expect(sent(new Proxy({}, { get: fail, ownKeys: fail }), kind)).toBe("a value without a text form");
  });
});

test("an error with memory that processes cannot share arrives without it", () => {
  const thrown = Object.assign(new RangeError("has memory"), { code: "ODD", memory: new SharedArrayBuffer(8) });

  expect(Object.keys(sent(thrown, "process") as Error)).toEqual(["code"]);
  expect(sent(new SharedArrayBuffer(8), "process")).toBe("[object SharedArrayBuffer]");
});
