/** The flags that `taskwright fetch` has from curl, as a process, against real servers. */
import { writeFileSync } from "node:fs";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text as readAll } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openFaultDns } from "taskwright/testing";
import { type CliEnd, type CliOptions, TemporaryFolder, runCli } from "./cli.ts";
import { certificate, privateKey } from "./http-certificate.ts";
import { httpServer } from "./http-server.ts";
import { echo, http2Server } from "./http2-server.ts";
import { proxyServer } from "./proxy-server.ts";

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers with what it was asked. */
function echoRequest(request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request;
  response.setHeader("content-type", "application/json");
  void readAll(request).then((body) => response.end(JSON.stringify({ method, url, headers, body })));
}

const fetchCli = (args: readonly string[], options?: CliOptions): Promise<CliEnd> =>
  runCli(["fetch", ...args], options);

/** Runs the command for one URL, and returns what that server was asked. */
async function askedBy(args: readonly string[], options?: CliOptions): Promise<Asked> {
  const { code, stdout, stderr } = await fetchCli(args, options);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return (JSON.parse(stdout) as { body: Asked }).body;
}

interface Result {
  readonly ok: boolean;
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

async function resultOf(args: readonly string[], options?: CliOptions): Promise<Result> {
  return JSON.parse((await fetchCli(args, options)).stdout) as Result;
}

describe("what is sent", () => {
  test("is what -d, --data-raw and --data-binary say, in their order, joined by &", async () => {
    await using server = await httpServer(echoRequest);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("form"), "b=2&\r\nc=3\n");
    const file = `@${folder.at("form")}`;
    const sent = async (...args: string[]): Promise<string> => (await askedBy([...args, server.url("/")])).body;
    expect(await sent("-d", "a=1", "-d", file, "--data-raw", "@x", "--data-binary", file)).toBe(
      "a=1&b=2&c=3&@x&b=2&\r\nc=3\n",
    );
    expect(await sent("--data-binary", file)).toBe("b=2&\r\nc=3\n");
    expect(await sent("--json", "[1,", "--json", "2]")).toBe("[1,2]");
  });

  test("is what comes on standard input, where @- says so", async () => {
    await using server = await httpServer(echoRequest);
    expect((await askedBy(["--data-binary", "@-", server.url("/")], { stdin: "a\nb" })).body).toBe("a\nb");
  });

  test("is what --data-urlencode encodes", async () => {
    await using server = await httpServer(echoRequest);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("bytes"), Buffer.from([0x20, 0xff, 0x0a, 0x41]));
    const args = ["a b", "=c=d", "name=e&f", "ü", `@${folder.at("bytes")}`, `file@${folder.at("bytes")}`];
    const flags = args.flatMap((arg) => ["--data-urlencode", arg]);
    const { body } = await askedBy([...flags, server.url("/")]);
    expect(body).toBe("a%20b&c%3Dd&name=e%26f&%C3%BC&%20%FF%0AA&file=%20%FF%0AA");
  });

  test("goes into the query of each URL with -G", async () => {
    await using server = await httpServer(echoRequest);
    const stdin = ["/a", "/b?c=d", "/e?", "/f#part"].map((path) => `${server.url(path)}\n`).join("");
    const { stdout } = await fetchCli(["-G", "-d", "x=1", "--data-urlencode", "q=ü"], { stdin });
    const results = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: number; body: Asked })
      .toSorted((a, b) => a.id - b.id);
    expect(results.map(({ body }) => `${body.method} ${body.url}${body.body}`)).toEqual([
      "GET /a?x=1&q=%C3%BC",
      "GET /b?c=d&x=1&q=%C3%BC",
      "GET /e?x=1&q=%C3%BC",
      "GET /f?x=1&q=%C3%BC",
    ]);
  });

  test("are headers alone with -I, and the result shows those of the answer", async () => {
    const methods: string[] = [];
    await using server = await httpServer((request, response) => {
      methods.push(request.method!);
      response.setHeader("x-one", "1").end("not sent");
    });
    expect(await resultOf(["-I", server.url("/")])).toMatchObject({ ok: true, headers: { "x-one": "1" }, body: "" });
    expect(methods).toEqual(["HEAD"]);
  });

  test("has the headers that flags and files name", async () => {
    await using server = await httpServer(echoRequest);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("headers"), "X-File: 1\r\n\nX-Both: file\n");
    const flags = ["-e", "http://from/", "-b", "a=1", "-b", "b=2", "-A", "me", "-H", `@${folder.at("headers")}`];
    const { headers } = await askedBy([...flags, "-H", "Accept:", "-H", "X-Empty;", server.url("/")]);
    expect(headers).toMatchObject({
      referer: "http://from/",
      cookie: "a=1; b=2",
      "user-agent": "me",
      "x-file": "1",
      "x-both": "file",
      "x-empty": "",
    });
    expect(headers).not.toHaveProperty("accept");
  });
});

describe("who asks", () => {
  test("is what --oauth2-bearer or -u says", async () => {
    await using server = await httpServer(echoRequest);
    const authorization = async (...args: string[]): Promise<string | undefined> =>
      (await askedBy([...args, server.url("/")])).headers.authorization;
    expect(await authorization("--oauth2-bearer", "t0ken")).toBe("Bearer t0ken");
    expect(await authorization("--bearer", "t0ken")).toBe("Bearer t0ken");
    expect(await authorization("-u", "me:pass:word")).toBe(`Basic ${btoa("me:pass:word")}`);
  });

  test("is what the netrc says of the host, unless the request says it itself", async () => {
    await using server = await httpServer(echoRequest);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("netrc"), "machine 127.0.0.1 login me password secret\n");
    const env = { NETRC: folder.at("netrc") };
    const authorization = async (url: string, ...args: string[]): Promise<string | undefined> =>
      (await askedBy([...args, url], { env })).headers.authorization;
    const elsewhere = server.url("/").replace("127.0.0.1", "localhost");
    expect(await authorization(server.url("/"))).toBeUndefined();
    expect(await authorization(server.url("/"), "-n")).toBe(`Basic ${btoa("me:secret")}`);
    expect(await authorization(server.url("/"), "--netrc", "-u", "you:other")).toBe(`Basic ${btoa("you:other")}`);
    expect(await authorization(elsewhere, "--netrc")).toBeUndefined();
    const missing = { env: { NETRC: folder.at("missing") } };
    expect((await askedBy(["-n", server.url("/")], missing)).headers.authorization).toBeUndefined();
    const unreadable = await runCli(["fetch", "-n", server.url("/")], { env: { NETRC: folder.path } });
    expect(unreadable).toMatchObject({ code: 2, stdout: "" });
    expect(unreadable.stderr).toMatch(/^taskwright fetch: Cannot read `.*` for --netrc: EISDIR/);
  });
});

describe("a proxy", () => {
  test("is asked that -x names, with its password, which nobody else sees", async () => {
    await using server = await httpServer(echoRequest);
    await using proxy = await proxyServer({ password: "me:se cret" });
    const host = proxy.url.replace("http://", "");
    for (const args of [
      ["-x", `http://me:se%20cret@${host}`],
      ["--proxy", host, "-U", "me:se cret"],
    ]) {
      const { headers, url } = await askedBy([...args, server.url("/a")]);
      expect(url).toBe("/a");
      expect(headers).not.toHaveProperty("proxy-authorization");
    }
    expect(proxy.requests.map(({ line }) => line)).toEqual(Array(2).fill(`GET ${server.url("/a")}`));
    const refused = await fetchCli(["-v", "--retry", "0", "-x", `http://me:wr0ng@${host}`, server.url("/a")]);
    expect(refused.stdout + refused.stderr).not.toContain("wr0ng");
  });

  test("is asked that the environment names, unless a flag says otherwise", async () => {
    await using server = await httpServer(echoRequest);
    await using proxy = await proxyServer();
    const env = { http_proxy: proxy.url };
    const isAsked = async (args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<boolean> => {
      proxy.requests.length = 0;
      await askedBy([...args, server.url("/")], { env: { ...env, ...more } });
      return proxy.requests.length > 0;
    };
    expect(await isAsked([])).toBe(true);
    expect(await isAsked([], { no_proxy: "127.0.0.1" })).toBe(false);
    expect(await isAsked(["--noproxy", "example.com"], { no_proxy: "127.0.0.1" })).toBe(true);
    expect(await isAsked(["--noproxy", "127.0.0.1"])).toBe(false);
    expect(await isAsked(["--noproxy", "*"])).toBe(false);
    expect(await isAsked(["-x", ""])).toBe(false);
    expect(await isAsked(["-x", proxy.url, "--noproxy", "127.0.0.1"])).toBe(false);
  });

  test("is asked at port 1080 where no port is given, as curl does", async () => {
    const { error } = await resultOf(["-x", "127.0.0.1", "--retry", "0", "http://example.com/"]);
    expect(error!.message).toContain("127.0.0.1:1080");
  });
});

/** A server that wants to see a certificate, and tells whose it got. */
async function tlsServer(): Promise<{ url: string } & AsyncDisposable> {
  const server = createTlsServer(
    { cert: certificate, key: privateKey, ca: certificate, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      response.end((subject as { CN?: string } | undefined)?.CN ?? "nobody");
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("a server of https", () => {
  test("is trusted whose authority --cacert names, and is shown what --cert and --key hold", async () => {
    await using server = await tlsServer();
    using folder = new TemporaryFolder();
    const [cert, key, both] = ["cert", "key", "a:b"].map((name) => folder.at(name)) as [string, string, string];
    writeFileSync(cert, certificate);
    writeFileSync(key, privateKey);
    writeFileSync(both, certificate + privateKey);
    const trusted = ["--cacert", cert, server.url];
    expect(await resultOf([server.url])).toMatchObject({ ok: false, error: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" } });
    expect(await resultOf(trusted)).toMatchObject({ ok: true, body: "nobody" });
    expect(await resultOf(["--cert", cert, "--key", key, ...trusted])).toMatchObject({ body: "localhost" });
    expect(await resultOf(["-E", both.replaceAll(":", "\\:"), ...trusted])).toMatchObject({ body: "localhost" });
  });

  test("is spoken to in HTTP/2 with --http2, and without TLS with --http2-prior-knowledge", async () => {
    await using secure = await http2Server(echo);
    await using plain = await http2Server(echo, { plain: true });
    expect(await resultOf(["-k", "--http2", `${secure.origin}/`])).toMatchObject({ ok: true });
    expect(await resultOf(["--http2-prior-knowledge", `${plain.origin}/`])).toMatchObject({ ok: true });
  });
});

describe("an answer", () => {
  test("that leads elsewhere is followed with -L, without the secrets, as far as --max-redirs", async () => {
    const asked: string[] = [];
    await using other = await httpServer((request, response) => {
      asked.push(`other ${request.url} ${request.headers.authorization ?? "nobody"}`);
      response.end("there");
    });
    await using server = await httpServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? "nobody"}`);
      const location = request.url === "/a" ? "/b" : other.url("/c");
      response.writeHead(request.url === "/a" ? 302 : 307, { location }).end();
    });
    const flags = ["-u", "me:x", server.url("/a")];
    expect(await resultOf(flags)).toMatchObject({ ok: true, status: 302 });
    asked.length = 0;
    const me = `Basic ${btoa("me:x")}`;
    expect(await resultOf(["-L", "-d", "x", ...flags])).toMatchObject({
      url: server.url("/a"),
      finalUrl: other.url("/c"),
      status: 200,
      body: "there",
    });
    expect(asked).toEqual([`POST /a ${me}`, `GET /b ${me}`, "other /c nobody"]);
    const { error } = await resultOf(["-L", "--max-redirs", "1", "--retry", "0", ...flags]);
    expect(error!.code).toBe("HTTP_REDIRECT");
  });

  test("that is compressed is decompressed with --compressed", async () => {
    await using server = await httpServer((request, response) => {
      const encoding = request.headers["accept-encoding"];
      if (encoding === undefined) response.end("plain");
      else response.setHeader("content-encoding", "gzip").end(gzipSync(`gzip of ${encoding}`));
    });
    expect(await resultOf([server.url("/")])).toMatchObject({ body: "plain" });
    expect(await resultOf(["--compressed", server.url("/")])).toMatchObject({
      body: "gzip of gzip, deflate, br, zstd",
    });
  });
});

describe("a name", () => {
  test("is looked up at --dns-servers", async () => {
    await using server = await httpServer(echoRequest);
    await using dns = await openFaultDns({ "shop.test": { addresses: ["127.0.0.1"] } });
    const { port } = new URL(server.origin);
    const { headers } = await askedBy(["--dns-servers", dns.address, `http://shop.test:${port}/`]);
    expect(headers.host).toBe(`shop.test:${port}`);
  });

  test("leads to the address that --resolve gives it", async () => {
    await using server = await httpServer(echoRequest);
    const host = `shop.test:${new URL(server.origin).port}`;
    const { headers } = await askedBy(["--resolve", `${host}:[::9],127.0.0.1`, `http://${host}/`]);
    expect(headers.host).toBe(host);
  });

  test("of this machine is refused with --no-private-hosts", async () => {
    await using server = await httpServer(echoRequest);
    const { error } = await resultOf(["--no-private-hosts", server.url("/").replace("127.0.0.1", "localhost")]);
    expect(error!.code).toBe("HTTP_PRIVATE_HOST");
  });
});

describe("exit code 2", () => {
  const url = "http://127.0.0.1:1/";
  test.each([
    [["-u", "me", url], "Expected --user to be NAME:PASSWORD: `NAME:` has no password"],
    [["-u", "me:x", "--bearer", "t", url], "Got --oauth2-bearer and --user: give one or the other"],
    [["-b", "/no/jar.txt", url], "Cannot read `/no/jar.txt` for --cookie: ENOENT"],
    [["-b", "package.json", url], "`package.json`, given as --cookie: Expected a file of cookies: line 1 is not"],
    [["-b", "a", "-b", "b", url], "Got two files for --cookie: NAME=VALUE is a cookie"],
    [["--cookie-jar", "-", url], "Expected a file after --cookie-jar, got `-`"],
    [["--cookie-jar", "/no/jar.txt", url], "Cannot write cookies (/no/jar.txt): ENOENT"],
    [["-I", "-X", "GET", url], "Got --head and --request: give one or the other"],
    [["-I", "-d", "x", url], "Got --head and data to send: with --get it goes into the query"],
    [["-d", "@-"], "Got @- for --data, and requests on standard input: one of them has to come from a file"],
    [["-G", url], "Got --get and nothing to put into the query"],
    [["-G", "-d", "a b", url], "A query cannot have spaces"],
    [["-d", "x", "--json", "{}", url], "Got --data and --json: give one or the other"],
    [["-x", "socks5://a:secret@b", url], "Expected --proxy to be [http://]HOST[:PORT] or https://HOST[:PORT]"],
    [["-U", "me:x", url], "Got --proxy-user and no --proxy"],
    [["-x", "http://a", "--no-private-hosts", url], "Got --no-private-hosts and --proxy"],
    [["--max-redirs", "1", url], "Got --max-redirs and no --location"],
    [["--key", "/dev/null", url], "Got --key and no --cert"],
    [["--cacert", "/nonexistent", url], "Cannot read `/nonexistent` for --cacert: ENOENT"],
    [["--cacert", "/dev/null", url], "There is no certificate in `/dev/null`, given as --cacert"],
    [["--dns-servers", "nowhere", url], "Expected --dns-servers to be a list of addresses"],
    [
      ["--resolve", "example.com:10.0.0.7", url],
      "Expected --resolve to be HOST:PORT:ADDRESS, got `example.com:10.0.0.7`",
    ],
    [["-H", "@/nonexistent", url], "Cannot read `/nonexistent` for --header"],
    [["-f", url], "There is no -f here: a status of 400 or more makes the exit code 1 anyway"],
    [["-F", "a=@b", url], "There is no -F here: forms with files cannot be sent by the command"],
    [["-sS", url], "There is no -S here: errors are shown anyway"],
  ])("for %j", async (args, message) => {
    const { code, stdout, stderr } = await fetchCli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("secret");
    expect(stderr.split("\n")).toHaveLength(2);
  });

  test("for a proxy of the environment that hides where requests go", async () => {
    const { code, stderr } = await fetchCli(["--no-private-hosts", url], { env: { http_proxy: "http://p:1" } });
    expect(code).toBe(2);
    expect(stderr).toContain("--no-private-hosts cannot see behind a proxy: -x '' goes without");
  });

  test("for a certificate that is not that of the key", async () => {
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("cert"), certificate);
    const { code, stderr } = await fetchCli(["--cert", folder.at("cert"), url]);
    expect(code).toBe(2);
    expect(stderr).toContain("There is no private key in");
  });
});
