import { type Server, createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { certificate, privateKey } from "../../test/http-certificate.ts";
import { openSession } from "./index.ts";

/** A server of https, and how the last client introduced itself. */
async function tlsServer(): Promise<{ origin: string; server: Server } & AsyncDisposable> {
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    response.end(`${request.httpVersion} ${request.headers.host}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    server,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("https is spoken, with the trust the session was given", async () => {
  await using server = await tlsServer();
  await using session = openSession({ tls: { ca: certificate } });
  const response = await session.get(server.origin);
  expect(await response.text()).toBe(`1.1 ${new URL(server.origin).host}`);
});

test("a certificate that nobody vouches for is refused, and the error says so", async () => {
  await using server = await tlsServer();
  await using session = openSession();
  await expect(session.get(server.origin)).rejects.toMatchObject({
    code: "HTTP_CONNECTION",
    phase: "connect",
    causeCode: "DEPTH_ZERO_SELF_SIGNED_CERT",
    message: expect.stringContaining("could not connect: self-signed certificate"),
  });
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a certificate for another name is refused", async () => {
  await using server = await tlsServer();
  await using session = openSession({ tls: { ca: certificate, servername: "example.com" } });
  await expect(session.get(server.origin)).rejects.toMatchObject({
    code: "HTTP_CONNECTION",
    causeCode: "ERR_TLS_CERT_ALTNAME_INVALID",
  });
});
