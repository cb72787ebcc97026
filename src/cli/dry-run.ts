import { BadLine, type ByteInput, type Job, RequestReader, showHeader } from "../fetch/index.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import { formatBytes, formatCount } from "./units.ts";

/** Hosts beyond this many are counted together. */
const maxHosts = 10_000;
const shownHosts = 10;

/** Reads all requests, asks nothing, and tells what would be asked. */
export async function dryRun(
  input: ByteInput,
  settings: FetchSettings,
  onBadLine: (bad: BadLine) => void,
): Promise<{ readonly text: string; readonly badLines: number }> {
  const reader = new RequestReader({ ...settings, format: settings.inputFormat });
  const count = new Counter();
  for (let chunk = await input.read(); ; chunk = await input.read()) {
    if (chunk === undefined) reader.end();
    else reader.feed(chunk);
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      if (next instanceof BadLine) {
        count.badLines++;
        onBadLine(next);
      } else count.add(next);
    }
    if (chunk === undefined) break;
  }
  await input.close();
  return { text: count.text(), badLines: count.badLines };
}

class Counter {
  badLines = 0;
  #requests = 0;
  #first: Job | undefined;
  readonly #methods = new Map<string, number>();
  readonly #hosts = new Map<string, number>();

  add(job: Job): void {
    this.#requests++;
    this.#first ??= job;
    increment(this.#methods, job.method);
    const { origin } = job.target;
    increment(this.#hosts, this.#hosts.has(origin) || this.#hosts.size < maxHosts ? origin : "others");
  }

  text(): string {
    const methods = ranked(this.#methods)
      .map(([method, count]) => `${formatCount(count)} ${method}`)
      .join(", ");
    const bad = this.badLines === 0 ? "" : `; no request: ${plural(this.badLines, "line")}`;
    const lines = [
      `${plural(this.#requests, "request")} to ${plural(this.#hosts.size, "host")}${methods && `: ${methods}`}${bad}`,
    ];
    for (const [host, count] of ranked(this.#hosts).slice(0, shownHosts))
      lines.push(`  ${formatCount(count).padStart(9)}  ${host}`);
    if (this.#hosts.size > shownHosts)
      lines.push(`             and ${formatCount(this.#hosts.size - shownHosts)} more`);
    if (this.#first !== undefined) lines.push("The first one:", ...show(this.#first).map((line) => `  ${line}`));
    return `${lines.join("\n")}\nNothing was asked.\n`;
  }
}

function show({ method, target, headers, body }: Job): string[] {
  const lines = [`${method} ${target.url}`];
  for (let index = 0; index < headers.length; index += 2) lines.push(showHeader(headers[index]!, headers[index + 1]!));
  if (body !== undefined) lines.push(`(${formatBytes(Buffer.byteLength(body))} of body)`);
  return lines;
}

function plural(count: number, word: string): string {
  return `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function ranked(counts: ReadonlyMap<string, number>): [key: string, count: number][] {
  return [...counts].toSorted((a, b) => b[1] - a[1]);
}
