import { expect, test } from "vitest";
import { type Peer, type TestServer, httpServer, rawServer } from "../../test/http-server.ts";
import { faults, openFaultServer } from "../testing/index.ts";
import { openSession } from "./index.ts";

const plenty = { limit: 1_000, perMs: 1 };

/** Waits for so many requests. */
const arrive = async (server: TestServer, count: number): Promise<Peer[]> => {
  const peers: Peer[] = [];
  while (peers.length < count) peers.push(await server.accept());
  for (const peer of peers) await peer.head();
  return peers;
};

test("a higher limit lets in those who wait, at once", async () => {
  await using server = await rawServer();
  await using session = openSession({ limit: 1 });
  const all = Array.from({ length: 5 }, () => session.get(server.origin));
  const first = await arrive(server, 1);
  expect(session.statistics()).toMatchObject({ active: 1, waiting: 4 });
  session.limit = 3;
  expect(session.limit).toBe(3);
  expect(session.statistics()).toMatchObject({ active: 3, waiting: 2 });
  const more = await arrive(server, 2);
  session.limit = Infinity;
  const rest = await arrive(server, 2);
  for (const peer of [...first, ...more, ...rest]) peer.respond("x");
  for (const request of all) expect(await (await request).text()).toBe("x");
});

test("a lower limit lets go on what is under way, and nobody in until it is met", async () => {
  await using server = await rawServer();
  await using session = openSession({ limit: 3 });
  const all = Array.from({ length: 4 }, async () => (await session.get(server.origin)).text());
  const peers = await arrive(server, 3);
  session.limit = 1;
  expect(session.statistics()).toMatchObject({ active: 3, waiting: 1 });
  peers[0]!.respond("x");
  peers[1]!.respond("x");
  await Promise.all(all.slice(0, 2));
  expect(session.statistics()).toMatchObject({ active: 1, waiting: 1 });
  peers[2]!.respond("x");
  await all[2];
  expect(session.statistics()).toMatchObject({ active: 1, waiting: 0 });
  const last = await Promise.race(peers.map((peer) => peer.head().then(() => peer)));
  last.respond("x");
  expect(await all[3]).toBe("x");
});

test("a lower limit closes idle connections above it", async () => {
  await using server = await httpServer((_request, response) => void response.end("x"));
  await using session = openSession({ limit: 10 });
  await Promise.all(Array.from({ length: 6 }, async () => (await session.get(server.origin)).text()));
  const before = session.statistics().connections;
  session.limit = 1;
  expect(before).toBeGreaterThan(1);
  expect(session.statistics().connections).toBe(1);
  expect(await (await session.get(server.origin)).text()).toBe("x");
});

test("the limit of each host can be changed as well", async () => {
  await using one = await rawServer();
  await using two = await rawServer();
  await using session = openSession({ limitPerHost: 1 });
  const all = [one, one, one, two].map(async ({ origin }) => (await session.get(origin)).text());
  const first = await arrive(one, 1);
  const other = await arrive(two, 1);
  expect(session.statistics()).toMatchObject({ active: 2, waiting: 2 });
  session.limitPerHost = 3;
  expect(session.limitPerHost).toBe(3);
  const more = await arrive(one, 2);
  session.limitPerHost = 1;
  all.push(session.get(one.origin).then((response) => response.text()));
  expect(session.statistics()).toMatchObject({ active: 4, waiting: 1 });
  for (const peer of [...first, ...other, ...more.slice(0, 1)]) peer.respond("x");
  await Promise.all([all[0], all[3]]);
  await Promise.race([all[1], all[2]]);
  expect(session.statistics()).toMatchObject({ active: 1, waiting: 1 });
  more[1]!.respond("x");
  await Promise.all(all.slice(0, 4));
  expect(session.statistics()).toMatchObject({ active: 1, waiting: 0 });
  const last = await Promise.race([...first, ...more].map((peer) => peer.head().then(() => peer)));
  last.respond("x");
  expect(await all[4]).toBe("x");
});

test.each([{ rate: plenty }, { ratePerHost: plenty }])("rates follow: %o", async (rates) => {
  await using server = await openFaultServer(faults.hang());
  await using session = openSession({ limit: 5, limitPerHost: 1, ...rates });
  const all = Array.from({ length: 9 }, () => session.get(server.url).catch(() => {}));
  await server.until(({ inFlight }) => inFlight === 1);
  session.limitPerHost = 3;
  await server.until(({ inFlight }) => inFlight === 3);
  session.limitPerHost = 7;
  await server.until(({ inFlight }) => inFlight === 5);
  session.limit = 7;
  await server.until(({ inFlight }) => inFlight === 7);
  expect(session.statistics().active).toBe(7);
  await session[Symbol.asyncDispose]();
  await Promise.all(all);
});

test("a wrong limit is refused, and changes nothing", async () => {
  await using session = openSession({ limit: 7, limitPerHost: 2 });
  expect(() => (session.limit = 0)).toThrow("Expected `limit` to be an integer of 1 or more, got `0` (number)");
  expect(() => (session.limitPerHost = 1.5)).toThrow("Expected `limitPerHost` to be an integer of 1 or more");
  expect([session.limit, session.limitPerHost]).toEqual([7, 2]);
});
