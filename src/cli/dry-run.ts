import { BadLine, type Job, type RequestInput, RequestStream, showHeader } from "../fetch/index.ts";
import type { FetchSettings } from "./fetch-settings.ts";
import { formatBytes, formatCount } from "./units.ts";

/** Hosts beyond this many are counted together. */
const maxHosts = 10_000;
const shownHosts = 10;
const shownInputs = 100;

/** Reads all requests, asks nothing, and tells what would be asked. */
export async function dryRun(
  inputs: readonly RequestInput[],
  settings: FetchSettings,
  onBadLine: (bad: BadLine) => void,
): Promise<{ readonly text: string; readonly badLines: number }> {
  const requests = new RequestStream({ ...settings, inputs, format: settings.inputFormat });
  const count = new Counter(inputs);
  try {
    do {
      for (let next = requests.next(); next !== undefined; next = requests.next()) {
        const isBad = next instanceof BadLine;
        count.addLine(requests.current!, isBad);
        if (next instanceof BadLine) onBadLine(next);
        else count.addRequest(next);
      }
    } while (await requests.read());
  } finally {
    await requests.close();
  }
  return { text: count.text(), badLines: count.badLines };
}

/** What an input turned out to be. */
interface InputCount {
  what: string;
  requests: number;
  badLines: number;
}

class Counter {
  badLines = 0;
  #requests = 0;
  #first: Job | undefined;
  readonly #inputs = new Map<RequestInput, InputCount>();
  readonly #methods = new Map<string, number>();
  readonly #hosts = new Map<string, number>();

  constructor(inputs: readonly RequestInput[]) {
    for (const input of inputs) this.#inputs.set(input, { what: "", requests: 0, badLines: 0 });
  }

  addLine({ input, format, compression }: NonNullable<RequestStream["current"]>, isBad: boolean): void {
    const count = this.#inputs.get(input)!;
    if (isBad) {
      this.badLines++;
      count.badLines++;
    } else {
      if (count.requests++ === 0) count.what = compression === undefined ? format! : `${format}, ${compression}`;
      this.#requests++;
    }
  }

  addRequest(job: Job): void {
    this.#first ??= job;
    increment(this.#methods, job.method);
    const { origin } = job.target;
    increment(this.#hosts, this.#hosts.has(origin) || this.#hosts.size < maxHosts ? origin : "others");
  }

  text(): string {
    const methods = ranked(this.#methods)
      .map(([method, count]) => `${formatCount(count)} ${method}`)
      .join(", ");
    const lines = [
      `${plural(this.#requests, "request")} to ${plural(this.#hosts.size, "host")}${methods && `: ${methods}`}${noRequest(this.badLines)}`,
      ...this.#inputLines(),
    ];
    for (const [host, count] of ranked(this.#hosts).slice(0, shownHosts))
      lines.push(`  ${formatCount(count).padStart(9)}  ${host}`);
    if (this.#hosts.size > shownHosts)
      lines.push(`             and ${formatCount(this.#hosts.size - shownHosts)} more`);
    if (this.#first !== undefined) lines.push("The first one:", ...show(this.#first).map((line) => `  ${line}`));
    return `${lines.join("\n")}\nNothing was asked.\n`;
  }

  #inputLines(): string[] {
    const lines = [...this.#inputs].slice(0, shownInputs).map(([{ name, size }, { what, requests, badLines }]) => {
      const parts = [what, plural(requests, "request"), size === undefined ? "" : formatBytes(size)];
      return `  ${name}: ${parts.filter((part) => part !== "").join(", ")}${noRequest(badLines)}`;
    });
    if (this.#inputs.size > shownInputs)
      lines.push(`  and ${formatCount(this.#inputs.size - shownInputs)} more inputs`);
    return lines;
  }
}

function noRequest(badLines: number): string {
  return badLines === 0 ? "" : `; no request: ${plural(badLines, "line")}`;
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
