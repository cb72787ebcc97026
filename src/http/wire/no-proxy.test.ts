import { expect, test } from "vitest";
import { NoProxy, splitNoProxy } from "./no-proxy.ts";

const covers = (entries: string, url: string): boolean => new NoProxy(splitNoProxy(entries)).covers(new URL(url));

test.each([
  ["*", "http://any.test/"],
  ["other.test, example.com", "http://example.com/"],
  ["example.com", "https://www.example.com:8443/"],
  [".example.com", "http://example.com/"],
  ["*.example.com", "http://a.b.example.com/"],
  ["EXAMPLE.com", "http://example.COM/"],
  ["example.com.", "http://example.com/"],
  ["example.com", "http://example.com./"],
  ["bücher.example", "http://xn--bcher-kva.example/"],
  ["localhost", "http://localhost:3000/"],
  ["localhost:3000", "http://localhost:3000/"],
  ["localhost:443", "https://localhost/"],
  ["127.0.0.1", "http://127.1/"],
  ["10.0.0.0/8,", "http://10.200.3.4/"],
  ["::1", "http://[::1]/"],
  ["[::1]:80", "http://[::1]/"],
  ["0:0::1", "http://[::1]/"],
  ["fd00::/8", "http://[fd12::1]/"],
  ["[fd00::]/8", "http://[fd12::1]/"],
])("%j covers %s", (entries, url) => {
  expect(covers(entries, url)).toBe(true);
});

test.each([
  ["", "http://any.test/"],
  ["example.com", "http://badexample.com/"],
  ["www.example.com", "http://example.com/"],
  ["example.com", "http://example.com.evil.test/"],
  ["com.", "http://example.org/"],
  ["localhost:3000", "http://localhost/"],
  ["0.1", "http://127.0.0.1/"],
  ["10.0.0.0/8", "http://11.0.0.1/"],
  ["10.0.0.0/99", "http://10.0.0.1/"],
  ["10.0.0.0/8", "http://a10.0.0.test/"],
  ["::1", "http://[::2]/"],
  [".", "http://example.com/"],
])("%j does not cover %s", (entries, url) => {
  expect(covers(entries, url)).toBe(false);
});
