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

  abandon(): void {
    this.#next.reject(new Error("abandoned"));
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
  const output = new LineOutput({ destination, clock: realClock });
  output.start({
    onFull: () => events.push("full"),
    onReady: () => events.push("ready"),
    onError: (error) => events.push(error),
  });
  return { destination, output, events };
}

/** `line` is an object: its last brace comes from the output. */
function write(output: LineOutput, line: string): void {
  output.append(line.slice(0, -2));
  output.endObject();
}

const megabyte = `{${"x".repeat(1024 * 1024 - 3)}}\n`;

describe("LineOutput", () => {
  test("writes many lines at once, in order, whole lines only, and never two writes at a time", async () => {
    const { destination, output } = setUp();
    const lines = Array.from({ length: 20_000 }, (_, index) => `{${index} ${"ä€😀".repeat(20)}}\n`);
    for (const line of lines) write(output, line);
    const ended = output.end();
    while (!destination.isClosed) await destination.letOneThrough();
    await ended;
    expect(destination.written.join("")).toBe(lines.join(""));
    expect(destination.written.every((chunk) => chunk.endsWith("\n"))).toBe(true);
    expect(destination.written.length).toBeLessThan(40);
    expect(output.bytes).toBe(Buffer.byteLength(lines.join("")));
  });

  test("writes few lines soon, without waiting for more", async () => {
    const { destination, output } = setUp();
    write(output, "{a}\n");
    await destination.letOneThrough();
    while (destination.written.length === 0) await turn();
    expect(destination.written).toEqual(["{a}\n"]);
  });

  test("waits for lines to be many, also while it is writing others", async () => {
    const { destination, output } = setUp();
    for (const line of [megabyte, "{a}\n", "{b}\n"]) write(output, line);
    await destination.letOneThrough();
    await destination.letOneThrough();
    expect(destination.written).toEqual([megabyte]);
    await output.end();
    expect(destination.written).toEqual([megabyte, "{a}\n{b}\n"]);
  });

  test("says when it has too much, and when it can take more", async () => {
    const { destination, output, events } = setUp();
    for (let count = 0; count < 10; count++) write(output, megabyte);
    expect(events).toEqual(["full"]);
    for (let count = 0; count < 7; count++) await destination.letOneThrough();
    expect(events).toEqual(["full"]);
    await destination.letOneThrough();
    expect(events).toEqual(["full", "ready"]);
  });

  test("writes nothing of a line that has no end yet", async () => {
    const { destination, output } = setUp();
    write(output, megabyte);
    output.append("{part of ");
    await destination.letOneThrough();
    output.append("a line");
    output.append(`, a long one: ${"x".repeat(200_000)}`);
    expect(destination.written).toEqual([megabyte]);
    output.endObject();
    const ended = output.end();
    await destination.letOneThrough();
    await ended;
    expect(destination.written[1]).toBe(`{part of a line, a long one: ${"x".repeat(200_000)}}\n`);
  });

  test("takes a line of any length", async () => {
    const { destination, output } = setUp();
    const long = `{${"€".repeat(10_000_000)}}\n`;
    for (const line of ["{a}\n", long, "{b}\n"]) write(output, line);
    const ended = output.end();
    while (!destination.isClosed) await destination.letOneThrough();
    await ended;
    expect(destination.written.join("")).toBe(`{a}\n${long}{b}\n`);
  });

  test("tells of a write that failed, writes nothing after it, and fails at the end", async () => {
    const { destination, output, events } = setUp();
    write(output, megabyte);
    write(output, "{a}\n");
    const broken = new Error("no space left");
    await destination.fail(broken);
    expect(events).toEqual([broken]);
    write(output, "{b}\n");
    await expect(output.end()).rejects.toBe(broken);
    expect(destination).toMatchObject({ written: [], isClosed: true });
  });
});
