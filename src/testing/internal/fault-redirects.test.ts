import { expect, test } from "vitest";
import { rawAnswer } from "../../../test/raw-client.ts";
import { faults, openFaultServer } from "../index.ts";

/** Where a request is sent, from the answer to it. */
async function locationOf(url: string, target: string): Promise<string | undefined> {
  const { received } = await rawAnswer(url, target);
  return /^location: (.*)\r$/m.exec(received)?.[1];
}

test("a redirect names its location as it is", async () => {
  await using server = await openFaultServer({
    "/relative": faults.redirect("next?a=1"),
    "/elsewhere": faults.redirect("http://user:secret@other.test:81/"),
    "/nonsense": faults.redirect("http://[", { status: 308 }),
  });

  expect((await rawAnswer(server.url, "/relative")).received).toBe(
    "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: next?a=1\r\n\r\n",
  );
  expect(await locationOf(server.url, "/elsewhere")).toBe("http://user:secret@other.test:81/");
  expect((await rawAnswer(server.url, "/nonsense")).received).toBe(
    "HTTP/1.1 308 Permanent Redirect\r\ncontent-length: 0\r\nlocation: http://[\r\n\r\n",
  );
});

test("a chain has so many hops, and then an answer", async () => {
  await using server = await openFaultServer(faults.redirectChain(2, faults.ok("there")));

  expect(await locationOf(server.url, "/a")).toBe("/a?hop=1");
  expect(await locationOf(server.url, "/a?hop=1")).toBe("/a?hop=2");
  expect((await rawAnswer(server.url, "/a?hop=2")).received).toContain("\r\n\r\nthere");
});

test("a loop comes back to where it began", async () => {
  await using server = await openFaultServer({
    "/one": faults.redirectLoop(),
    "/two": faults.redirectLoop(2, { status: 307 }),
  });

  expect(await locationOf(server.url, "/one")).toBe("/one");
  expect(await locationOf(server.url, "/two")).toBe("/two?hop=1");
  expect(await locationOf(server.url, "/two?hop=1")).toBe("/two");
});

test("chains and loops may name whole URLs, on the host that the client named", async () => {
  await using server = await openFaultServer({
    "/chain": faults.redirectChain(1, faults.ok(), { absolute: true }),
    "/loop": faults.redirectLoop(1, { absolute: true }),
  });

  expect(await locationOf(server.url, "/chain")).toBe("http://test/chain?hop=1");
  expect(await locationOf(server.url, "/loop")).toBe("http://test/loop");
});

test("a chain of no length is refused, and so is a loop", () => {
  expect(() => faults.redirectChain(-1, faults.ok())).toThrow("Expected `hops` to be an integer of 0 or more");
  expect(() => faults.redirectLoop(0)).toThrow("Expected `length` to be an integer of 1 or more");
});
