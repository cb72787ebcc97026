import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { rawAnswer } from "../../../test/raw-client.ts";
import { faults, openFaultServer } from "../index.ts";

const decoders = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};
const encodings = ["gzip", "deflate", "br", "zstd"] as const;

/** The headers of an answer, and its body as bytes. */
async function answerOf(url: string): Promise<{ head: string; body: Buffer }> {
  const { received } = await rawAnswer(url);
  const at = received.indexOf("\r\n\r\n") + 4;
  return { head: received.slice(0, at), body: Buffer.from(received.slice(at), "latin1") };
}

/** What is left of chunks without their sizes. */
function unchunked(body: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = Number.parseInt(body.toString("latin1", at, lineEnd), 16);
    pieces.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(pieces);
}

describe.for(encodings)("%s", (encoding) => {
  const decode = decoders[encoding];

  test("can be read by who knows it", async () => {
    await using server = await openFaultServer(faults.encoded(encoding, "hello ".repeat(100)));
    const { head, body } = await answerOf(server.url);

    expect(head).toContain(`content-encoding: ${encoding}\r\n`);
    expect(head).toContain(`content-length: ${body.length}\r\n`);
    expect(decode(body).toString()).toBe("hello ".repeat(100));
  });

  test("can be said of what is not", async () => {
    await using server = await openFaultServer(faults.badEncoding(encoding));
    const { head, body } = await answerOf(server.url);

    expect(head).toContain(`content-encoding: ${encoding}\r\n`);
    expect(body.toString()).toBe("this was never compressed");
  });

  test("can be cut in half, in an answer that is whole", async () => {
    await using server = await openFaultServer(faults.truncatedEncoding(encoding, "hello world"));
    const { head, body } = await answerOf(server.url);

    expect(head).toContain(`content-length: ${body.length}\r\n`);
    expect(() => decode(body)).toThrow(/unexpected end|decompress/i);
  });

  test("can be a bomb", async () => {
    await using server = await openFaultServer(faults.bomb(encoding, 5_000_000));
    const { head, body } = await answerOf(server.url);
    const packed = unchunked(body);

    expect(head).toContain(`content-encoding: ${encoding}\r\n`);
    expect(packed.length).toBeLessThan(10_000);
    expect(decode(packed).equals(Buffer.alloc(5_000_000))).toBe(true);
  });
});
