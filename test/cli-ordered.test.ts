/** `taskwright fetch --ordered`: results in the order of the requests. */
import { writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { Cli, TemporaryFolder, runCli } from "./cli.ts";
import { httpServer } from "./http-server.ts";

function idsOf(text: string): number[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { id: number }).id);
}

test("writes results in the order of the requests, bad lines and retries among them", async () => {
  const asked = new Map<string, number>();
  await using server = await httpServer(({ url }, response) => {
    const times = (asked.get(url!) ?? 0) + 1;
    asked.set(url!, times);
    const number = Number(url!.slice(1));
    // Some are asked again, and every third comes late.
    if (number % 29 === 0 && times === 1) response.writeHead(500).end();
    else setTimeout(() => response.end(url), number % 3 === 0 ? 40 : 0);
  });
  using folder = new TemporaryFolder();
  const count = 300;
  const lines = Array.from({ length: count }, (_, index) =>
    index % 50 === 7 ? "ftp://wrong" : server.url(`/${index + 1}`),
  );
  writeFileSync(folder.at("list"), lines.join("\n"));
  const all = Array.from({ length: count }, (_, index) => index + 1);
  const flags = ["fetch", "-i", folder.at("list"), "--per-host", "20", "-q"];
  const unordered = await runCli(flags);
  expect(idsOf(unordered.stdout)).not.toEqual(all);
  asked.clear();
  const ordered = await runCli([...flags, "--ordered", "--save-bodies", folder.at("bodies")]);
  expect(idsOf(ordered.stdout)).toEqual(all);
});

test("writes what has come behind a request that never ended, when it is stopped", async () => {
  const held: ServerResponse[] = [];
  await using server = await httpServer(({ url }, response) => {
    if (url === "/1") held.push(response);
    else response.end(url);
  });
  using folder = new TemporaryFolder();
  writeFileSync(folder.at("list"), [1, 2, 3].map((number) => server.url(`/${number}`)).join("\n"));
  const cli = new Cli(["fetch", "-i", folder.at("list"), "--ordered", "--progress", "bar"]);
  await cli.says("2/3");
  cli.kill("SIGINT");
  await cli.says("stopping");
  cli.kill("SIGINT");
  const { code, stdout } = await cli.ended;
  expect(code).toBe(130);
  expect(idsOf(stdout)).toEqual([2, 3]);
  expect(held).toHaveLength(1);
});
