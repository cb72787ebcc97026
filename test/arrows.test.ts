/** The linter holds the architecture: each arrow that may not exist is drawn here once, and must be reported. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const arrow = "Not an arrow of the architecture";
const library = "Each package of the registry is imported by one file of src";
const time = "Only src/core/clock.ts reads the time or sets a timer";

/** File, line of code, what the linter says of it. */
const forbidden = [
  ["src/core/a.ts", 'export * from "../sync/index.ts";', arrow],
  ["src/core/internal/a.ts", 'export * from "../../flow/index.ts";', arrow],
  ["src/core/a.ts", 'export * from "undici";', library],
  ["src/core/a.ts", 'export * from "taskwright";', library],
  ["src/sync/a.ts", 'export * from "../core/scope.ts";', arrow],
  ["src/sync/a.ts", 'export * from "./../core/scope.ts";', "Write the shortest path"],
  ["src/sync/a.ts", 'export * from "../flow/index.ts";', arrow],
  ["src/sync/a.ts", 'export * from "effect/Fiber";', library],
  ["src/flow/a.ts", 'export * from "../sync/index.ts";', arrow],
  ["src/flow/a.ts", 'export * from "../index.ts";', arrow],
  ["src/testing/a.ts", 'export * from "../http/index.ts";', arrow],
  ["src/http/a.ts", 'export * from "../files/index.ts";', arrow],
  ["src/http/a.ts", 'export * from "../fetch/index.ts";', arrow],
  ["src/http/a.ts", 'export type { A } from "undici";', library],
  ["src/http/undici.ts", 'export * from "got";', library],
  ["src/http/undici.ts", 'export * from "../jobs/index.ts";', arrow],
  ["src/fetch/a.ts", 'export * from "../jobs/index.ts";', arrow],
  ["src/fetch/internal/a.ts", 'export * from "../../http/session.ts";', arrow],
  ["src/inspect/a.ts", 'export * from "../cli/index.ts";', arrow],
  ["src/cli/commands/a.ts", 'export * from "../../http/session.ts";', arrow],
  ["src/index.ts", 'export * from "./http/index.ts";', arrow],
  ["src/index.ts", 'export * from "./core/scope.ts";', arrow],
  ["src/core/a.ts", 'export * from "node:timers/promises";', time],
  ["src/core/a.ts", "setTimeout(() => {}, 1);", time],
  ["src/http/a.ts", "Date.now();", time],
  ["src/http/a.ts", "performance.now();", time],
  ["src/http/a.ts", "globalThis.setInterval(() => {}, 1);", time],
  ["src/http/a.ts", "AbortSignal.timeout(1);", time],
  ["src/core/a.ts", 'export * from "./b.ts";', "Dependency cycle"],
  ["src/core/b.ts", 'export * from "./a.ts";', "Dependency cycle"],
] as const;

const allowed = [
  ["src/core/c.ts", 'export * from "./internal/a.ts";'],
  ["src/core/internal/b.ts", 'export * from "../a.ts";'],
  ["src/core/c.ts", 'export * from "node:async_hooks";'],
  ["src/core/clock.ts", 'export * from "node:perf_hooks"; setTimeout(() => {}, 1);'],
  ["src/flow/c.ts", 'export * from "../core/index.ts";'],
  ["src/http/c.ts", 'export * from "../sync/index.ts";'],
  ["src/http/undici.ts", 'export * from "undici";'],
  ["src/fetch/internal/c.ts", 'export * from "../../http/index.ts";'],
  ["src/cli/c.ts", 'export * from "../fetch/index.ts"; Date.now();'],
  ["src/index.ts", 'export * from "./core/index.ts";'],
  ["src/core/c.test.ts", 'export * from "../testing/index.ts"; export * from "fast-check"; setTimeout(() => {}, 1);'],
] as const;

interface Diagnostic {
  readonly message: string;
  readonly help?: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

let folder: string;
let reported: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskwright-arrows-"));
  const lines = new Map<string, string[]>();
  for (const [file, code] of [...allowed, ...forbidden]) lines.set(file, [...(lines.get(file) ?? []), code]);
  for (const [file, code] of lines) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), `${code.join("\n")}\n`);
  }
  for (const file of ["oxlint.config.ts", "package.json"]) await cp(join(root, file), join(folder, file));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const output = await new Promise<string>((resolve) => {
    execFile(join(root, "node_modules/.bin/oxlint"), ["--format=json", "src"], { cwd: folder }, (_, stdout) =>
      resolve(stdout),
    );
  });
  const { diagnostics } = JSON.parse(output) as { diagnostics: Diagnostic[] };
  const codeAt = (file: string, line: number): string | undefined => lines.get(file)?.[line - 1];
  reported = diagnostics.map(
    (d) => `${d.filename}: ${codeAt(d.filename, d.labels[0]?.span.line ?? 0)} ${d.message} ${d.help}`,
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.for(forbidden)("%s may not say %s", ([file, code, message]) => {
  const about = reported.filter((line) => line.startsWith(`${file}: ${code} `));

  expect(about).toContainEqual(expect.stringContaining(message));
});

test.for(allowed)("%s may say %s", ([file, code]) => {
  expect(reported.filter((line) => line.startsWith(`${file}: ${code} `))).toEqual([]);
});
