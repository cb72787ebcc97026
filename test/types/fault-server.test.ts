/** What the compiler knows of fault servers and their scripts, and what it refuses. Nothing in here is run. */
import { expect, expectTypeOf, test } from "vitest";
import {
  type DnsAnswer,
  type Fault,
  type FaultRequest,
  type FaultServer,
  faults,
  openFaultDns,
  openFaultServer,
} from "taskwright/testing";
import { compiled, wants } from "./compiled.ts";

test("a script is a fault, a list, a table of paths, or a function of the request", () => {
  compiled(async () => {
    await using server = await openFaultServer();
    expectTypeOf(server).toEqualTypeOf<FaultServer>();
    void openFaultServer(faults.reset());
    void openFaultServer([...faults.times(2, faults.busy({ status: 429, retryAfter: 1 })), faults.ok()]);
    void openFaultServer({ "/a": faults.hang(), "/b": [faults.close(), faults.ok()], "*": faults.status(500) });
    void openFaultServer((request) => {
      expectTypeOf(request).toEqualTypeOf<FaultRequest>();
      return request.times > 1 ? faults.ok() : Promise.resolve(faults.reset());
    });
    // @ts-expect-error a path begins with a slash
    void openFaultServer({ a: faults.ok() });
    // @ts-expect-error a function returns a fault
    void openFaultServer(() => 200);
    // @ts-expect-error there is no such certificate
    void openFaultServer(faults.ok(), { tls: "stolen" });
    // @ts-expect-error there is no such fault of connections
    void openFaultServer(faults.ok(), { connections: ["explode"] });
    // @ts-expect-error sockets take their time to close: await using
    using closedTooEarly = await openFaultServer();
    return closedTooEarly;
  });
  expect.assertions(1);
});

test("a fault may be written by hand", () => {
  compiled(() => {
    wants<Fault>({ name: "nothing", play() {} });
    wants<Fault>({ name: "later", reads: "meanwhile", play: (wire) => wire.raw("x") });
    // @ts-expect-error it has a name
    wants<Fault>({ play() {} });
    // @ts-expect-error there is no other time to read
    wants<Fault>({ name: "late", reads: "later", play() {} });
  });
  expect.assertions(1);
});

test("what was seen can be read, and not be changed", () => {
  compiled(() => {
    const server = {} as FaultServer;
    expectTypeOf(server.requests[0]?.state).toEqualTypeOf<"open" | "played" | "cut" | undefined>();
    expectTypeOf(server.statistics().inFlight).toEqualTypeOf<number>();
    void server.until(({ requests }) => requests > 5);
    // @ts-expect-error it is a record
    server.requests.pop();
    // @ts-expect-error it is a record
    server.connections[0]!.requests = 5;
  });
  expect.assertions(1);
});

test("a DNS server answers by names", () => {
  compiled(() => {
    void openFaultDns({ "a.test": { addresses: ["::1"] }, "*": [{ code: "SERVFAIL" }, { delayMs: Infinity }] });
    void openFaultDns(({ name, type }): DnsAnswer => (type === "A" && name === "a.test" ? { addresses: [] } : {}));
    // @ts-expect-error there is no such code
    void openFaultDns({ "a.test": { code: "OOPS" } });
    // @ts-expect-error a script is needed
    void openFaultDns();
  });
  expect.assertions(1);
});
