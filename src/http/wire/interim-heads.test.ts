import fc from "fast-check";
import { expect, test } from "vitest";
import { rawServer } from "../../../test/http-server.ts";
import { faults, openFaultServer } from "../../testing/index.ts";
import { openSession } from "../index.ts";

const interimHead = fc
  .record({
    version: fc.constantFrom("1.0", "1.1"),
    status: fc.constantFrom("100 Continue", "100", "102 Processing", "103 Early Hints", "199 Odd"),
    fields: fc.array(fc.constantFrom("server: x\r\n", "link: </a>; rel=preload\r\n", "date: today\r\n"), {
      maxLength: 3,
    }),
  })
  .map(({ version, status, fields }) => `HTTP/${version} ${status}\r\n${fields.join("")}\r\n`);

/** A response as it is sent, in pieces, and its body. */
const response = fc.record({
  heads: fc.array(interimHead, { maxLength: 3 }),
  body: fc.constantFrom("", "x", "HTTP/1.1 100 Continue\r\n\r\n"),
  cuts: fc.array(fc.nat(400), { maxLength: 6 }),
});

test("heads of other responses before that of one's own are skipped, however they come", async () => {
  await using server = await rawServer();
  await fc.assert(
    fc.asyncProperty(fc.array(response, { minLength: 1, maxLength: 4 }), async (responses) => {
      await using session = openSession({ retry: false });
      let peer;
      for (const { heads, body, cuts } of responses) {
        const pending = session.get(server.origin);
        peer ??= await server.accept();
        await peer.head();
        const all = `${heads.join("")}HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
        let sent = 0;
        for (const cut of [...cuts.toSorted((a, b) => a - b), Infinity]) {
          if (cut > sent) peer.send(all.slice(sent, cut));
          sent = cut;
          await new Promise((resolve) => setImmediate(resolve));
        }
        const answer = await pending;
        expect([answer.status, await answer.text()]).toEqual([200, body]);
      }
      expect(session.statistics().connections).toBe(1);
    }),
    { numRuns: 200 },
  );
});

test.each([{}, { tls: "valid" }] as const)("a 100 that nobody asked for costs no connection (%o)", async (options) => {
  await using server = await openFaultServer(faults.informational([100, 103, 100], faults.ok("hello")), options);
  await using session = openSession({ retry: false, tls: { ca: server.authority } });
  for (let i = 0; i < 3; i++) expect(await (await session.get(server.url)).text()).toBe("hello");
  expect(await (await session.post(server.url, { body: "x".repeat(100_000) })).text()).toBe("hello");
  expect((await session.head(server.url)).status).toBe(200);
  expect(server.connections.length).toBe(1);
});
