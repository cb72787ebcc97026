import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CookieJar } from "../index.ts";
import { type FileCookie, readCookieFile, writeCookieFile } from "./cookie-file.ts";

const line = (...fields: string[]): string => `${fields.join("\t")}\n`;
const jarOf = (...lines: string[]): CookieJar => CookieJar.fromNetscape(lines.join(""));
const pairs = (jar: CookieJar, url: string): string[] => jar.cookies(url).map(({ name, value }) => `${name}=${value}`);

describe("a file of cookies", () => {
  test("says which cookie goes where", () => {
    const jar = jarOf(
      "# Netscape HTTP Cookie File\r\n\r\n",
      line(".example.com", "TRUE", "/", "FALSE", "0", "all", "1"),
      line("www.example.com", "FALSE", "/in", "FALSE", "0", "in", "2"),
      line("#HttpOnly_www.example.com", "FALSE", "/", "TRUE", "4102444800", "safe", "3=4"),
      line("127.0.0.1", "TRUE", "/", "FALSE", "0", "address", ""),
      ".example.com\tTRUE\t/\tFALSE\t0\tempty",
    );

    expect(pairs(jar, "http://example.com/")).toEqual(["all=1", "empty="]);
    expect(pairs(jar, "http://a.example.com/in")).toEqual(["all=1", "empty="]);
    expect(pairs(jar, "https://www.example.com/in/side")).toEqual(["in=2", "all=1", "safe=3=4", "empty="]);
    expect(pairs(jar, "http://www.example.com/")).toEqual(["all=1", "empty="]);
    expect(pairs(jar, "http://127.0.0.1:8080/")).toEqual(["address="]);
    expect(jar.cookies("https://www.example.com/").find(({ name }) => name === "safe")?.expires).toEqual(
      new Date(4_102_444_800_000),
    );
  });

  test("sets nothing that has ended, and nothing for domains that belong to many", () => {
    const jar = jarOf(
      line(".example.com", "TRUE", "/", "FALSE", "1", "old", "1"),
      line(".example.com", "TRUE", "/", "FALSE", "-1", "older", "1"),
      line(".co.uk", "TRUE", "/", "FALSE", "0", "many", "1"),
    );

    expect(jar.cookies()).toEqual([]);
  });

  test.for([
    ["not a line of cookies"],
    ['[{ "domain": ".example.com" }]'],
    [line(".example.com", "yes", "/", "FALSE", "0", "name", "secret")],
    [line(".example.com", "TRUE", "/", "FALSE", "tomorrow", "name", "secret")],
    [line(".example.com", "TRUE", "/", "FALSE", "0", "", "secret")],
    [line("", "TRUE", "/", "FALSE", "0", "name", "secret")],
    [line(".example.com", "TRUE", "/", "FALSE", "0", "name", "secret", "more")],
    [line(".example.com", "TRUE", "/", "FALSE", "0", "name", "secret; Domain=other.com")],
  ])("with %j is none, and the error has the number of the line and no secret", ([wrong]) => {
    const read = (): unknown => CookieJar.fromNetscape(`# first\n\n${wrong}`);

    expect(read).toThrow(TypeError);
    expect(read).toThrow(/line 3 is not/);
    expect(read).not.toThrow(/secret|example/);
  });

  test("is a string", () => {
    expect(() => CookieJar.fromNetscape(Buffer.from("") as never)).toThrow("Expected `text` to be a string");
  });

  test("that a jar gives is read again as the same", () => {
    const jar = new CookieJar();
    jar.set("a=1; Path=/; HttpOnly", "https://www.example.com/");
    jar.set("b=x=y; Domain=example.com; Secure; Expires=Fri, 01 Jan 2100 00:00:00 GMT", "https://www.example.com/in/x");
    jar.set("c=1; Max-Age=0", "https://www.example.com/");

    const text = jar.toNetscape();

    expect(text.split("\n").slice(3)).toEqual([
      "#HttpOnly_www.example.com\tFALSE\t/\tFALSE\t0\ta\t1",
      ".example.com\tTRUE\t/in\tTRUE\t4102444800\tb\tx=y",
      "",
    ]);
    expect(CookieJar.fromNetscape(text).toNetscape()).toBe(text);
    expect(CookieJar.fromNetscape(text).cookies()).toEqual(jar.cookies());
    expect(new CookieJar().toNetscape()).toMatch(/^# Netscape HTTP Cookie File\n/);
  });

  test("has no line for what a line cannot hold", () => {
    const jar = new CookieJar();
    jar.set("a=b\tc; Path=/", "https://example.com/");
    jar.set("d=e", "https://example.com/");

    expect(readCookieFile(jar.toNetscape()).map(({ name }) => name)).toEqual(["d"]);
  });

  test("whatever is written is read as the same", () => {
    const word = fc.stringMatching(/^[\w!#$%&'*+.^`|~-]{1,12}$/);
    const cookie = fc.record<FileCookie>({
      name: word,
      value: fc.stringMatching(/^[\x20-\x3a\x3c-\x7e]{0,20}$/),
      domain: fc.domain(),
      isForSubdomains: fc.boolean(),
      path: fc.stringMatching(/^\/[\w/-]{0,12}$/),
      isSecure: fc.boolean(),
      isHttpOnly: fc.boolean(),
      expires: fc.option(
        fc.integer({ min: 1, max: 253_402_300_799 }).map((seconds) => new Date(seconds * 1_000)),
        { nil: undefined },
      ),
    });
    fc.assert(
      fc.property(fc.array(cookie), (cookies) => {
        expect(readCookieFile(writeCookieFile(cookies))).toEqual(cookies);
      }),
    );
  });
});
