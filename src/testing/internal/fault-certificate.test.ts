import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { rawTlsClient } from "../../../test/raw-client.ts";
import { type FaultCertificate, faults, openFaultServer } from "../index.ts";
import { certificateFor } from "./fault-certificate.ts";

const refused: readonly (readonly [kind: FaultCertificate, code: string])[] = [
  ["expired", "CERT_HAS_EXPIRED"],
  ["not-yet-valid", "CERT_NOT_YET_VALID"],
  ["wrong-host", "ERR_TLS_CERT_ALTNAME_INVALID"],
  ["self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ["unknown-issuer", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
];

describe("a client that trusts the authority", () => {
  test("speaks HTTP/1 with a server whose certificate is valid, by any of its names", async () => {
    await using server = await openFaultServer(faults.ok("hello"), { tls: "valid" });
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    for (const servername of ["", "localhost"]) {
      using client = rawTlsClient(server.url, { ca: server.authority, servername });
      expect(await client.get().take("hello")).toBe("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    }

    expect(server.requests[0]!.url).toBe("https://test/");
  });

  test.for(refused)("refuses one that is %s", async ([tls, code]) => {
    await using server = await openFaultServer(faults.ok(), { tls });
    using client = rawTlsClient(server.url, { ca: server.authority });

    expect(await client.all()).toEqual({ received: "", end: code });
    await server.until(({ openConnections }) => openConnections === 0);
    expect(server.statistics()).toMatchObject({ connections: 1, requests: 0, closedByClient: 1 });
  });
});

test("who does not ask for trust can speak with any", async () => {
  await using server = await openFaultServer(faults.ok("hello"), { tls: "expired" });
  using client = rawTlsClient(server.url, { rejectUnauthorized: false });

  expect(await client.get().take("hello")).toContain("200 OK");
});

test("faults of the connection go through TLS", async () => {
  await using server = await openFaultServer(
    { "/reset": faults.cutIn("body", faults.ok("hello")), "/close": faults.shortBody("hello") },
    { tls: "valid" },
  );
  using reset = rawTlsClient(server.url, { ca: server.authority }).get("/reset");
  using closed = rawTlsClient(server.url, { ca: server.authority }).get("/close");

  expect(await reset.all()).toEqual({ received: "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", end: "ECONNRESET" });
  expect(await closed.all()).toEqual({ received: "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello", end: "FIN" });
  expect(server.connections.map(({ end }) => end)).toEqual(["server-reset", "server-closed"]);
});

test("a client's end is seen through TLS", async () => {
  await using server = await openFaultServer(faults.hang(), { tls: "valid" });
  using client = rawTlsClient(server.url, { ca: server.authority }).get();
  await server.until(({ inFlight }) => inFlight === 1);
  client.socket.destroy();
  await server.until(({ openConnections }) => openConnections === 0);

  expect(server.connections[0]!.end).toMatch(/^client-/);
  expect(server.requests[0]!.state).toBe("cut");
});

test("a certificate is made once, and says what it should", () => {
  const one = new X509Certificate(certificateFor("valid").cert);

  expect(certificateFor("valid")).toBe(certificateFor("valid"));
  expect(one.subjectAltName).toBe("DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
  expect(one.validFrom).toBe("Jan  1 00:00:00 2000 GMT");
  expect(one.validTo).toBe("Dec 31 23:59:59 2049 GMT");
  expect(one.ca).toBe(false);
});

test("there is no other certificate", async () => {
  await expect(openFaultServer(faults.ok(), { tls: "stolen" as "valid" })).rejects.toThrow(
    "Expected `tls` to be one of valid, expired, not-yet-valid, wrong-host, self-signed, unknown-issuer, got `stolen`",
  );
});
