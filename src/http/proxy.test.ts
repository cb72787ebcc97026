import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { certificate, privateKey } from "../../test/http-certificate.ts";
import { type TestServer, httpServer, rawServer } from "../../test/http-server.ts";
import { proxyServer } from "../../test/proxy-server.ts";
import { cancelScope } from "../core/index.ts";
import { faults, openFaultServer } from "../testing/index.ts";
import { openSession } from "./index.ts";

const tls = { ca: certificate };

/** A host that speaks TLS and answers with the path. */
async function tlsHost(): Promise<{ origin: string } & AsyncDisposable> {
  const server = createTlsServer({ cert: certificate, key: privateKey }, (request, response) => {
    response.end(`secret ${request.url} ${JSON.stringify(request.headers["proxy-authorization"] ?? null)}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("requests to http are passed on by the proxy, and it alone sees its credentials", async () => {
  await using server = await httpServer((request, response) => {
    response.end(`${request.method} ${request.url} ${request.headers["proxy-authorization"] ?? "none"}`);
  });
  await using proxy = await proxyServer({ password: "me:hidden" });
  await using session = openSession({ retry: false, proxy: proxy.url.replace("//", "//me:hidden@"), limit: 1 });
  const response = await session.post(`${server.origin}/path?a=1`, { body: "hello" });
  expect(await response.text()).toBe("POST /path?a=1 none");
  expect(response.url).toBe(`${server.origin}/path?a=1`);
  expect(await (await session.get(`${server.origin}/2`)).text()).toBe("GET /2 none");
  expect(proxy.requests.map(({ line }) => line)).toEqual([`POST ${server.origin}/path?a=1`, `GET ${server.origin}/2`]);
  expect(proxy.requests[0]!.headers).toMatchObject({ host: new URL(server.origin).host });
  expect(session.statistics().connections).toBe(1);
});

test("to https a tunnel is opened through the proxy, which sees nothing else", async () => {
  await using host = await tlsHost();
  await using proxy = await proxyServer({ password: "me:hidden" });
  const url = proxy.url.replace("//", "//me:hidden@");
  await using session = openSession({ retry: false, proxy: { url, headers: { "x-team": "a" } }, tls });
  expect(await (await session.get(`${host.origin}/1`)).text()).toBe("secret /1 null");
  expect(await (await session.get(`${host.origin}/2`)).text()).toBe("secret /2 null");
  expect(proxy.requests).toMatchObject([
    { line: `CONNECT ${new URL(host.origin).host}`, headers: { "x-team": "a", host: new URL(host.origin).host } },
  ]);
});

test("TLS is spoken to the proxy itself where its URL says so, and within the tunnel again", async () => {
  await using host = await tlsHost();
  await using server = await httpServer((_request, response) => void response.end("plain"));
  await using proxy = await proxyServer({ tls: true });
  await using session = openSession({ retry: false, proxy: proxy.url.replace("127.0.0.1", "localhost"), tls });
  expect(await (await session.get(`${host.origin}/1`)).text()).toBe("secret /1 null");
  expect(await (await session.get(server.origin)).text()).toBe("plain");
  expect(proxy.requests).toHaveLength(2);
  await using doubting = openSession({ retry: false, proxy: proxy.url, tls: { ...tls, servername: "localhost" } });
  expect(await (await doubting.get(server.origin)).text()).toBe("plain");
  await using untrusting = openSession({ retry: false, proxy: { url: proxy.url, tls: { ca: [] } } });
  await expect(untrusting.get(server.origin)).rejects.toMatchObject({
    code: "HTTP_PROXY",
    causeCode: "DEPTH_ZERO_SELF_SIGNED_CERT",
  });
});

test("a host whose certificate is not trusted is refused within the tunnel too", async () => {
  await using host = await tlsHost();
  await using proxy = await proxyServer();
  await using session = openSession({ retry: false, proxy: proxy.url });
  await expect(session.get(host.origin)).rejects.toMatchObject({
    code: "HTTP_CONNECTION",
    phase: "connect",
    causeCode: "DEPTH_ZERO_SELF_SIGNED_CERT",
  });
});

test("hosts that are to be reached without the proxy are", async () => {
  await using server = await httpServer((_request, response) => void response.end("direct"));
  await using proxy = await proxyServer();
  await using session = openSession({ retry: false, proxy: { url: proxy.url, noProxy: ["127.0.0.0/8"] } });
  expect(await (await session.get(server.origin)).text()).toBe("direct");
  expect(proxy.requests).toEqual([]);
});

test("a proxy that asks for other credentials is named, without those it was given", async () => {
  await using proxy = await proxyServer({ password: "me:hidden" });
  await using session = openSession({ retry: false, proxy: proxy.url.replace("//", "//me:wrong@") });
  for (const scheme of ["http", "https"]) {
    const error = (await session.get(`${scheme}://a.test/?q`).catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({ code: "HTTP_PROXY", proxy: proxy.url, status: 407, url: `${scheme}://a.test/` });
    expect(error.message).toContain(`the proxy ${proxy.url} `);
    expect(error.message).not.toContain("wrong");
  }
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a proxy that cannot reach the host says so for tunnels, and answers in place of the host otherwise", async () => {
  const gone = await rawServer();
  await gone[Symbol.asyncDispose]();
  await using proxy = await proxyServer();
  await using session = openSession({ retry: false, proxy: proxy.url });
  await expect(session.get(gone.origin.replace("http:", "https:"))).rejects.toMatchObject({
    code: "HTTP_PROXY",
    status: 502,
    message: expect.stringMatching(/the proxy \S+ refused a tunnel: 502 Bad Gateway$/),
  });
  expect((await session.get(gone.origin)).status).toBe(502);
});

test("a proxy where nobody listens is named", async () => {
  const gone = await rawServer();
  await gone[Symbol.asyncDispose]();
  await using session = openSession({ retry: false, proxy: gone.origin });
  for (const url of ["http://a.test/", "https://a.test/"]) {
    await expect(session.get(url)).rejects.toMatchObject({
      code: "HTTP_PROXY",
      proxy: gone.origin,
      status: undefined,
      causeCode: "ECONNREFUSED",
      message: expect.stringContaining(`the proxy ${gone.origin} could not be reached: connect ECONNREFUSED`),
    });
  }
});

test("a proxy that breaks off, or talks nonsense, is named", async () => {
  await using proxy = await rawServer();
  await using session = openSession({ proxy: proxy.origin, retry: false });
  const breaks = ["", "HTTP/1.1 200", "220 smtp.test\r\n\r\n", `HTTP/1.1 200 OK\r\nx: ${"x".repeat(100_000)}\r\n\r\n`];
  for (const text of breaks) {
    const outcome = Promise.allSettled([session.get("https://a.test/")]);
    const peer = await proxy.accept();
    await peer.head();
    peer.socket.end(text);
    expect(await outcome).toMatchObject([{ reason: { code: "HTTP_PROXY", proxy: proxy.origin, status: undefined } }]);
    await peer.closed;
  }
});

test("what a proxy says is shown without what terminals would act on, and not at length", async () => {
  await using proxy = await openFaultServer(faults.raw(`HTTP/1.1 403 \x1b[31mno\x07${"!".repeat(5_000)}\r\n\r\n`));
  const error = await failureThrough(proxy.url);
  expect(error).toMatchObject({ code: "HTTP_PROXY", status: 403 });
  expect((error as Error).message).toMatch(/refused a tunnel: 403 \ufffd\[31mno\ufffd!+$/);
  expect((error as Error).message.length).toBeLessThan(250);
});

/** What a request fails with that is tried again. */
async function failureThrough(proxy: string): Promise<unknown> {
  await using session = openSession({ proxy, retry: { backoff: () => 0 } });
  return await session.get("https://a.test/").catch((error: unknown) => error);
}

test("a proxy that speaks no HTTP is asked once, one that breaks off again", async () => {
  await using nonsense = await openFaultServer(faults.raw());
  await using reset = await openFaultServer(faults.reset());
  expect(await failureThrough(nonsense.url)).toHaveProperty(
    "message",
    `GET https://a.test/: the proxy ${nonsense.url} answered with what is no HTTP: it does not begin as HTTP does`,
  );
  expect(await failureThrough(reset.url)).toMatchObject({ code: "HTTP_PROXY", causeCode: "ECONNRESET" });
  expect([nonsense.requests.length, reset.requests.length]).toEqual([1, 3]);
});

test("a tunnel that breaks while TLS is agreed on is a failed connection", async () => {
  await using proxy = await rawServer();
  await using session = openSession({ proxy: proxy.origin, retry: false });
  for (const end of ["end", "reset", "nonsense"]) {
    const outcome = Promise.allSettled([session.get("https://a.test/")]);
    const peer = await proxy.accept();
    await peer.head();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    await peer.take("\u0016\u0003\u0001"); // the first record of TLS
    if (end === "end") peer.socket.end();
    else if (end === "reset") peer.socket.resetAndDestroy();
    else peer.send("this is no TLS at all, not by far");
    expect(await outcome).toMatchObject([{ reason: { code: "HTTP_CONNECTION", phase: "connect" } }]);
    await peer.closed;
  }
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

/** How far a connection through `proxy` is let come before what is tested happens. */
const phases: [string, (proxy: TestServer) => Promise<{ closed: Promise<void> }>][] = [
  ["the proxy has accepted", (proxy) => proxy.accept()],
  [
    "the proxy is asked for a tunnel",
    async (proxy) => {
      const peer = await proxy.accept();
      await peer.head();
      return peer;
    },
  ],
  [
    "the proxy's answer is under way",
    async (proxy) => {
      const peer = await proxy.accept();
      await peer.head();
      peer.send("HTTP/1.1 200 OK\r\nx: ");
      return peer;
    },
  ],
  [
    "TLS is agreed on with the host",
    async (proxy) => {
      const peer = await proxy.accept();
      await peer.head();
      peer.send("HTTP/1.1 200 OK\r\n\r\n");
      await peer.take("\u0016\u0003\u0001");
      return peer;
    },
  ],
];

test.each(phases)("cancelled when %s, a request closes the connection", async (_phase, reach) => {
  await using proxy = await rawServer();
  await using session = openSession({ retry: false, proxy: proxy.origin });
  let peer: { closed: Promise<void> } | undefined;
  const outcome = await cancelScope(async (scope) => {
    const request = session.get("https://a.test/");
    peer = await reach(proxy);
    scope.cancel();
    await request;
  });
  expect(outcome).toBeUndefined();
  await peer!.closed;
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test.each(phases)("late when %s, a request names the proxy and closes the connection", async (_phase, reach) => {
  await using proxy = await rawServer();
  await using session = openSession({ retry: false, proxy: proxy.origin, timeout: { connectMs: 150 } });
  const outcome = Promise.allSettled([session.get("https://a.test/")]);
  const peer = await reach(proxy);
  expect(await outcome).toMatchObject([
    {
      reason: {
        code: "HTTP_TIMEOUT",
        phase: "connect",
        message: expect.stringContaining(`no connection through the proxy ${proxy.origin} within 150 ms`),
      },
    },
  ]);
  await peer.closed;
});

test.each(phases)("the session is closed when %s, and the connection with it", async (_phase, reach) => {
  await using proxy = await rawServer();
  const session = openSession({ retry: false, proxy: proxy.origin });
  const outcome = Promise.allSettled([session.get("https://a.test/")]);
  const peer = await reach(proxy);
  await session[Symbol.asyncDispose]();
  expect(await outcome).toMatchObject([{ reason: { code: "HTTP_SESSION_CLOSED" } }]);
  await peer.closed;
});

test("a proxy would choose the address, so a session that keeps from private hosts has none", () => {
  expect(() => openSession({ proxy: "http://proxy.test:3128", allowPrivateHosts: false })).toThrow(
    "Expected no `proxy` with `allowPrivateHosts: false`",
  );
});
