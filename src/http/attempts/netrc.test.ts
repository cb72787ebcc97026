import fc from "fast-check";
import { expect, test } from "vitest";
import { parseNetrc } from "./netrc.ts";

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}"`;
}

/** The entries of a file, and the one for all others under "". */
function read(text: string): Record<string, string> {
  const { machines, others } = parseNetrc(text);
  const all = [...machines, ...(others === undefined ? [] : [["", others] as const])];
  return Object.fromEntries(all.map(([name, { login, password }]) => [name, `${login}:${password}`]));
}

test("reads machines on one line or on many, and the default", () => {
  expect(
    read("machine a.test login me password x\nmachine\n  B.test\n\tlogin you password y\r\ndefault login z"),
  ).toEqual({
    "a.test": "me:x",
    "b.test": "you:y",
    "": "z:",
  });
});

test("the first entry of a machine counts", () => {
  expect(read("machine a login 1 password 1 machine a login 2 password 2")).toEqual({ a: "1:1" });
});

test("comments are lines, and a password may begin with what begins one", () => {
  expect(read("# machine b login x\nmachine a # here\n  login me password #1\n  # password 2")).toEqual({ a: "me:#1" });
});

test("passes over accounts, over macros up to an empty line, and over what it does not know", () => {
  const text =
    "machine a account x login me\nmacdef init\nmachine b login no\n  \nmachine c login you password p port 21";
  expect(read(text)).toEqual({ a: "me:", c: "you:p" });
});

test("quoted words may have spaces and escapes", () => {
  expect(read('machine a login "my name" password "a\\"b\\\\c\\n"')).toEqual({ a: 'my name:a"b\\c\n' });
});

test("a keyword is no keyword where a value is expected", () => {
  expect(read("machine a login password password login")).toEqual({ a: "password:login" });
});

test("never throws, and reads back what is written quoted", () => {
  fc.assert(fc.property(fc.string(), (text) => parseNetrc(text) !== undefined));
  const bits = fc.array(fc.constantFrom("machine ", "login ", "password ", "macdef ", '"', "\\", "#", "\n", "a", " "));
  fc.assert(fc.property(bits, (parts) => parseNetrc(parts.join("")) !== undefined));
  const word = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(word, word, (login, password) => {
      const { machines } = parseNetrc(
        `machine a login ${quoted(login)} password ${quoted(password)} machine b login x`,
      );
      expect(machines.get("a")).toEqual({ login, password });
      expect(machines.get("b")).toEqual({ login: "x", password: "" });
    }),
  );
});

test.each(['"', "# ", "\n ", " #", "machine ", "\\", "macdef "])("a long row of %o is no trouble", (part) => {
  expect(parseNetrc(part.repeat(200_000)).others).toBeUndefined();
});
