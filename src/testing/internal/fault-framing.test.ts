import { expect, test } from "vitest";
import { rawAnswer, rawClient } from "../../../test/raw-client.ts";
import { type Fault, faults, openFaultServer } from "../index.ts";

const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const head = (length: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`;

const cases: readonly (readonly [what: string, fault: Fault, received: string, end: string])[] = [
  ["a body that is one byte short", faults.shortBody(), `${head("6")}hello`, "FIN"],
  [
    "a body that is short, and a reset",
    faults.shortBody("hi", { missingBytes: 5, how: "reset" }),
    `${head("7")}hi`,
    "ECONNRESET",
  ],
  [
    "a body where there is none",
    faults.unwantedBody(),
    "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello",
    "FIN",
  ],
  ["a length that is none", faults.badLength(), `${head("-1")}hello`, "FIN"],
  ["two lengths", faults.twoLengths(), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello", "FIN"],
  [
    "a length and chunks",
    faults.twoLengths("length and chunks"),
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "FIN",
  ],
  ["a size that is none", faults.badChunkSize(), `${chunked}5\r\nhello\r\nfive\r\nhello0\r\n\r\n`, "FIN"],
  ["a chunk that is too long", faults.longChunk(), `${chunked}4\r\nhello\r\n0\r\n\r\n`, "FIN"],
  ["chunks without the last", faults.unendedChunks(), `${chunked}5\r\nhello\r\n`, "FIN"],
  ["chunks without the last, and a reset", faults.unendedChunks("hi", "reset"), `${chunked}2\r\nhi\r\n`, "ECONNRESET"],
];

test.for(cases)("%s", async ([, fault, received, end]) => {
  await using server = await openFaultServer(fault);

  expect(await rawAnswer(server.url)).toEqual({ received, end });
});

test("a body that is longer than its length, on a connection that is kept", async () => {
  await using server = await openFaultServer(faults.longBody());
  using client = rawClient(server.url);

  expect(await client.get().take(" and more")).toBe(`${head("5")}hello and more`);
  expect(await client.get().take(" and more")).toBe(`${head("5")}hello and more`);
});
