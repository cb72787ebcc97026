/** `taskwright fetch --only-failed`: results of failures alone, and a journal that knows of all. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Cli, TemporaryFolder, runCli } from "./cli.ts";
import { httpServer } from "./http-server.ts";

function idsOf(text: string): number[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { id: number }).id).toSorted((a, b) => a - b);
}

const isLost = (url: string): boolean => url.endsWith("00");

test("writes failures only, and bodies of the others into files", async () => {
  await using server = await httpServer(({ url }, response) => {
    if (isLost(url!)) response.statusCode = 404;
    response.end(url);
  });
  using folder = new TemporaryFolder();
  const urls = [98, 99, 100, 101].map((number) => server.url(`/${number}`));
  const flags = ["fetch", "--only-failed", "--save-bodies", folder.at("bodies"), ...urls, "not-a-url:"];
  const wrong = await runCli(flags);
  expect(wrong.code).toBe(2);
  const { code, stdout } = await runCli(flags.slice(0, -1));
  expect(code).toBe(1);
  expect(idsOf(stdout)).toEqual([3]);
  expect(readdirSync(folder.at("bodies"))).toHaveLength(3);
});

test("after kill -9 asks nothing again that was answered, though it has no line", async () => {
  const asked: string[] = [];
  await using server = await httpServer(({ url }, response) => {
    asked.push(url!);
    if (isLost(url!)) response.statusCode = 404;
    setTimeout(() => response.end(url), 2);
  });
  using folder = new TemporaryFolder();
  const count = 2_000;
  const lost = Array.from({ length: count / 100 }, (_, index) => (index + 1) * 100);
  writeFileSync(folder.at("list"), Array.from({ length: count }, (_, index) => server.url(`/${index + 1}`)).join("\n"));
  const flags = ["fetch", "-i", folder.at("list"), "-o", folder.at("failures"), "--only-failed"];
  const first = new Cli([...flags, "--progress", "bar"]);
  while (asked.length < 1_000) await new Promise((resolve) => setTimeout(resolve, 5));
  first.kill("SIGKILL");
  await first.ended;
  await new Promise((resolve) => setTimeout(resolve, 50));

  asked.length = 0;
  const second = await runCli([...flags, "--summary", "json"]);
  const { requests, earlier } = JSON.parse(second.stdout) as { requests: number; earlier: number };
  expect([second.code, requests]).toEqual([1, count]);
  expect(earlier).toBeGreaterThan(300);
  expect(new Set(asked).size).toBe(requests - earlier);
  expect(asked.length).toBeLessThan(count - 300);
  expect(idsOf(readFileSync(folder.at("failures"), "utf8"))).toEqual(lost);

  asked.length = 0;
  const third = await runCli([...flags, "--retry-failed"]);
  expect(third.code).toBe(1);
  expect(asked.map((url) => Number(url.slice(1))).toSorted((a, b) => a - b)).toEqual(lost);
  expect(idsOf(readFileSync(folder.at("failures"), "utf8"))).toEqual(lost);
});
