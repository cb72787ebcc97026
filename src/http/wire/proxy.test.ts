import { expect, test } from "vitest";
import { readProxy } from "./proxy.ts";

/** The proxy for a URL, as an environment says. */
function through(env: Record<string, string>, url: string): string | undefined {
  return readProxy("environment", undefined, env)(new URL(url).origin)?.name;
}

test("the environment names a proxy for each scheme, and one for both", () => {
  const env = { http_proxy: "http://a.test:1", https_proxy: "https://b.test:2", all_proxy: "http://c.test:3" };
  expect(through(env, "http://example.com/")).toBe("http://a.test:1");
  expect(through(env, "https://example.com/")).toBe("https://b.test:2");
  expect(through({ all_proxy: "c.test:3" }, "https://example.com/")).toBe("http://c.test:3");
  expect(through({ http_proxy: "a.test:1" }, "https://example.com/")).toBeUndefined();
  expect(through({}, "https://example.com/")).toBeUndefined();
  expect(through({ http_proxy: "" }, "http://example.com/")).toBeUndefined();
});

test("upper case counts where lower case says nothing, but not HTTP_PROXY in a CGI program", () => {
  expect(through({ HTTP_PROXY: "http://a.test:1" }, "http://example.com/")).toBe("http://a.test:1");
  expect(through({ HTTP_PROXY: "http://a.test:1", http_proxy: "b.test:2" }, "http://x.test/")).toBe("http://b.test:2");
  expect(through({ HTTP_PROXY: "http://a.test:1", REQUEST_METHOD: "GET" }, "http://example.com/")).toBeUndefined();
  expect(through({ HTTPS_PROXY: "a.test:1", REQUEST_METHOD: "GET" }, "https://x.test/")).toBe("http://a.test:1");
});

test("hosts in no_proxy are reached without one", () => {
  const env = { http_proxy: "a.test:1", NO_PROXY: "localhost,.internal 10.0.0.0/8" };
  expect(through(env, "http://db.internal/")).toBeUndefined();
  expect(through(env, "http://10.1.2.3/")).toBeUndefined();
  expect(through(env, "http://example.com/")).toBe("http://a.test:1");
});

/** Reads a proxy when it is called. */
function read(given: unknown, env: Record<string, string> = {}): () => unknown {
  return () => readProxy(given as string, undefined, env);
}

test("a wrong proxy is refused by the name it was given under, without showing its password", () => {
  expect(read("socks5://user:hidden@a.test")).toThrow("Expected `proxy` to be an http or https URL of a proxy");
  expect(read("socks5://user:hidden@a.test")).not.toThrow("hidden");
  expect(read({ url: 1 })).toThrow("Expected `proxy.url` to be an http or https URL of a proxy, got `1` (number)");
  expect(read(7)).toThrow('Expected `proxy` to be a URL, "environment" or an object, got `7` (number)');
  expect(read({ url: "http://a.test", noProxy: 1 })).toThrow("Expected `proxy.noProxy` to be a string or a list");
  expect(read({ url: "http://a.test", headers: { "a b": "" } })).toThrow(
    "Expected `headers` to be named by HTTP tokens",
  );
  expect(read("environment", { https_proxy: "socks5://a.test" })).toThrow("Expected `https_proxy` to be an http or");
});

test("what is shown of a proxy holds no credentials, and what is sent does", () => {
  const proxy = readProxy("http://us%65r:p%40ss@proxy.test:3128/", undefined, {})("http://example.com")!;
  expect(proxy.name).toBe("http://proxy.test:3128");
  expect(proxy.headers).toEqual(["proxy-authorization", `Basic ${Buffer.from("user:p@ss").toString("base64")}`]);
});

test("of the session's settings of TLS, only whom to trust is used with the proxy itself", () => {
  const find = readProxy("https://proxy.test", { ca: "CA", key: "KEY", rejectUnauthorized: false }, {});
  expect(find("http://example.com")!.tls).toEqual({ ca: "CA" });
});
