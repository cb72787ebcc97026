import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { httpServer } from "../../test/http-server.ts";
import { cancelScope } from "../core/index.ts";
import { openFaultDns } from "../testing/index.ts";
import { PrivateHostError, openSession } from "./index.ts";

test("an address that is not public is refused, however it is written", async () => {
  await using session = openSession({ allowPrivateHosts: false });
  const hosts: [string, string][] = [
    ["127.0.0.1", "127.0.0.1"],
    ["127.1", "127.0.0.1"],
    ["0x7f.0.0.1", "127.0.0.1"],
    ["0177.0.0.01", "127.0.0.1"],
    ["2130706433", "127.0.0.1"],
    ["0x7f000001", "127.0.0.1"],
    ["127.0.0.1.", "127.0.0.1"],
    ["%31%32%37.0.0.1", "127.0.0.1"],
    ["１２７.0.0.1", "127.0.0.1"],
    ["①②⑦.0.0.1", "127.0.0.1"],
    ["0", "0.0.0.0"],
    ["169.254.169.254", "169.254.169.254"],
    ["[::1]", "::1"],
    ["[::]", "::"],
    ["[0:0:0:0:0:0:0:1]", "::1"],
    ["[::ffff:127.0.0.1]", "::ffff:7f00:1"],
    ["[::ffff:7f00:1]", "::ffff:7f00:1"],
    ["[64:ff9b::7f00:1]", "64:ff9b::7f00:1"],
    ["[fe80::1]", "fe80::1"],
    ["[fd00::1]", "fd00::1"],
  ];
  for (const [host, address] of hosts) {
    const error: unknown = await session.get(`http://${host}:81/`).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PrivateHostError);
    expect(error).toMatchObject({ code: "HTTP_PRIVATE_HOST", host: address, address });
  }
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("a name of such an address is refused, and the error says which", async () => {
  await using names = await openFaultDns({ "*": { addresses: ["10.1.2.3", "fd00::1"] } });
  await using session = openSession({ allowPrivateHosts: false, dns: { servers: [names.address] } });
  await expect(session.get("http://app.example.test/?secret")).rejects.toMatchObject({
    code: "HTTP_PRIVATE_HOST",
    host: "app.example.test",
    address: expect.stringMatching(/^(10\.1\.2\.3|fd00::1)$/),
    message: expect.stringMatching(
      /^GET http:\/\/app.example.test\/: app.example.test is at \S+, which is no address of the public internet/,
    ),
  });
  await expect(session.get("http://localhost/")).rejects.toMatchObject({ code: "HTTP_PRIVATE_HOST" });
  await expect(session.get("https://app.localhost/")).rejects.toMatchObject({ code: "HTTP_PRIVATE_HOST" });
});

test("nothing is connected to, also where the name changes its address each time it is asked for", async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  {
    const asked: string[] = [];
    const lookup = (name: string): string[] => [asked.push(name) % 2 === 0 ? "127.0.0.1" : "::ffff:127.0.0.1"];
    await using session = openSession({ allowPrivateHosts: false, dns: { lookup, cacheMs: 0 } });
    for (let i = 0; i < 4; i++) {
      await expect(session.get(`http://rebinding.test:${port}/`)).rejects.toMatchObject({ code: "HTTP_PRIVATE_HOST" });
    }
    expect(asked).toHaveLength(4);
  }
  expect(connections).toBe(0);
  await new Promise((resolve) => server.close(resolve));
});

test("a request may be cancelled at the moment it is refused", async () => {
  await using session = openSession({ allowPrivateHosts: false });
  const outcome = await cancelScope(async (scope) => {
    const request = session.get("http://127.0.0.1:81/");
    scope.cancel();
    await request;
  });
  expect(outcome).toBeUndefined();
  expect(session.statistics()).toEqual({ active: 0, waiting: 0, connections: 0 });
});

test("without the option, private hosts are hosts as any other", async () => {
  await using server = await httpServer((_request, response) => void response.end("x"));
  await using session = openSession({ allowPrivateHosts: true });
  expect(await (await session.get(server.origin)).text()).toBe("x");
  expect(() => openSession({ allowPrivateHosts: 0 as never })).toThrow("Expected `allowPrivateHosts` to be a boolean");
});
