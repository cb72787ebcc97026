import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { realClock } from "../../core/index.ts";
import { type Destination, LineOutput } from "./line-output.ts";

/** Takes writes one by one, as far as the test lets it. */
class SlowDestination implements Destination {
  readonly written: string[] = [];
  isClosed = false;
  #next = Promise.withResolvers<void>();

  async write(bytes: Buffer): Promise<void> {
    await this.#next.promise;
    this.#next = Promise.withResolvers();
    this.written.push(bytes.toString());
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  async letOneThrough(): Promise<void> {
    this.#next.resolve();
    await turn();
  }

  async fail(error: Error): Promise<void> {
    this.#next.reject(error);
    await turn();
  }
}

function setUp(): { destination: SlowDestination; output: LineOutput; events: unknown[] } {
  const destination = new SlowDestination();
  const events: unknown[] = [];
  const output = new LineOutput({
    destination,
    clock: realClock,
    onFull: () => events.push("full"),
    onReady: () => events.push("ready"),
    onError: (error) => events.push(error),
  });
  return { destination, output, events };
}

const megabyte = `${"x".repeat(1024 * 1024 - 1)}\n`;

describe("LineOutput", () => {
  test("writes many lines at once, in order, and never two writes at a time", async () => {
    const { destination, output } = setUp();
    output.write(megabyte);
    output.write("a\n");
    output.write("b\n");
    const ended = output.end();
    await destination.letOneThrough();
    await destination.letOneThrough();
    await ended;
    expect(destination.written).toEqual([megabyte, "a\nb\n"]);
    expect(destination.isClosed).toBe(true);
    expect(output.bytes).toBe(megabyte.length + 4);
  });

  test("writes few lines soon, without waiting for more", async () => {
    const { destination, output } = setUp();
    output.write("a\n");
    await destination.letOneThrough();
    while (destination.written.length === 0) await turn();
    expect(destination.written).toEqual(["a\n"]);
  });

  test("says when it has too much, and when it can take more", async () => {
    const { destination, output, events } = setUp();
    for (let count = 0; count < 10; count++) output.write(megabyte);
    expect(events).toEqual(["full"]);
    for (let count = 0; count < 4; count++) await destination.letOneThrough();
    expect(events).toEqual(["full", "ready"]);
  });

  test("joins no more than a few megabytes, however much comes at once: strings have a greatest length", async () => {
    const { destination, output } = setUp();
    for (let count = 0; count < 21; count++) output.write(megabyte);
    const ended = output.end();
    for (let count = 0; count < 6; count++) await destination.letOneThrough();
    await ended;
    expect(destination.written.map(({ length }) => length / megabyte.length)).toEqual([1, 4, 4, 4, 4, 4]);
  });

  test("tells of a write that failed, writes nothing after it, and fails at the end", async () => {
    const { destination, output, events } = setUp();
    output.write(megabyte);
    output.write("a\n");
    const broken = new Error("no space left");
    await destination.fail(broken);
    expect(events).toEqual([broken]);
    output.write("b\n");
    await expect(output.end()).rejects.toBe(broken);
    expect(destination).toMatchObject({ written: [], isClosed: true });
  });
});
