import { describe, expect, test } from "vitest";
import { Job } from "../engine/job.ts";
import type { RequestInput } from "./request-input.ts";
import { inputText } from "./request-input.ts";
import { InputError, RequestStream } from "./request-stream.ts";

/** What each line became: index and URL, or place and message. */
async function readAll(stream: RequestStream): Promise<string[]> {
  const found: string[] = [];
  do {
    for (let next = stream.next(); next !== undefined; next = stream.next()) {
      if (next instanceof Job) found.push(`${next.index} ${next.target.url}`);
      else found.push(`${next.index} ${next.input ?? ""}:${next.line}: ${next.message}`);
    }
  } while (await stream.read());
  return found;
}

const streamOf = (...inputs: RequestInput[]): RequestStream => new RequestStream({ inputs, headers: [] });

describe("several inputs", () => {
  test("are numbered as though they were one, and seen each by its own first line", async () => {
    const stream = streamOf(
      inputText("a", "http://a/1\n\nhttp://a/3"),
      inputText("b", ""),
      inputText("c", '{"url": "http://a/4"}\n{"url": "http://a/5"}\n'),
      inputText("d", "# http://a/6\nhttp://a/7\n"),
    );
    expect(await readAll(stream)).toEqual([
      "1 http://a/1",
      "3 http://a/3",
      "4 http://a/4",
      "5 http://a/5",
      "7 http://a/7",
    ]);
  });

  test("are named where a line is wrong, with the number of the line in its own input", async () => {
    const stream = streamOf(inputText("a", "http://a/\n"), inputText("b", "\nnonsense\n"));
    expect(await readAll(stream)).toEqual(["1 http://a/", "3 b:2: Expected an http or https URL, got `nonsense`"]);
    expect(await readAll(streamOf(inputText("b", "nonsense")))).toEqual([
      "1 :1: Expected an http or https URL, got `nonsense`",
    ]);
  });

  test("are opened one after the other, each when the one before has been read and closed", async () => {
    const happened: string[] = [];
    const input = (name: string): RequestInput => ({
      ...inputText(name, ""),
      open: async () => {
        happened.push(`open ${name}`);
        const bytes = await inputText(name, `http://${name}/\n`).open();
        return { ...bytes, storedBytes: 0, close: async () => void happened.push(`close ${name}`) };
      },
    });
    const stream = streamOf(input("a"), input("b"));
    expect(happened).toEqual([]);
    await readAll(stream);
    expect(happened).toEqual(["open a", "close a", "open b", "close b"]);
  });

  test("are read to a known share", async () => {
    const stream = streamOf(inputText("a", "http://a/1\nhttp://a/2\n"), inputText("b", "http://b/3\nhttp://b/4\n"));
    const shares: (number | undefined)[] = [];
    do {
      while (stream.next() !== undefined) shares.push(stream.share);
    } while (await stream.read());
    expect([...shares, stream.share]).toEqual([0.25, 0.5, 0.75, 1, 1]);
    const endless = { ...inputText("c", ""), size: undefined };
    expect(streamOf(inputText("a", "x"), endless).share).toBeUndefined();
  });

  test("fail by name", async () => {
    const broken: RequestInput = { ...inputText("b", ""), open: () => Promise.reject(new Error("it is gone")) };
    const stream = streamOf(inputText("a", "http://a/\n"), broken);
    const failure: unknown = await readAll(stream).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InputError);
    expect(failure).toMatchObject({ input: "b", message: "it is gone" });
  });

  test("are not read on when they are closed, not even the one that is being opened", async () => {
    let isClosed = false;
    const opening = Promise.withResolvers<void>();
    const slow: RequestInput = {
      ...inputText("a", ""),
      open: async () => {
        await opening.promise;
        const bytes = await inputText("a", "http://a/\n").open();
        return { ...bytes, storedBytes: 0, close: async () => void (isClosed = true) };
      },
    };
    const stream = streamOf(slow);
    const reading = stream.read();
    await stream.close();
    opening.resolve();
    expect(await reading).toBe(false);
    expect(isClosed).toBe(true);
    expect(stream.next()).toBeUndefined();
  });
});
