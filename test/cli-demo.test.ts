/** `taskwright demo`, which is also `npm run demo`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { verify } from "../src/cli/demo/verify.ts";
import { TemporaryFolder, runCli } from "./cli.ts";

test("the demo compares one by one with many at once, and checks every body", async () => {
  using folder = new TemporaryFolder();
  mkdirSync(folder.at("taskwright-demo"));
  writeFileSync(folder.at("taskwright-demo/results.jsonl"), "of an earlier demo\n");
  const { code, stdout, stderr } = await runCli(["demo"], { cwd: folder.path });
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/one by one, reckoned +[\d,]+ +\d+:\d\d +\d+ +1x/);
  expect(stdout).toMatch(/100 at once +[\d,]+ +\S+(?: m?s)? +[\d,]+ +\d+x/);
  expect(stdout).toContain("bodies were compared with the files: they are the same");
  for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  expect(readFileSync(folder.at("taskwright-demo/results.jsonl"), "utf8").split("\n").length).toBeGreaterThan(1_000);
});

test("the demo finds a body that is not the file's, a result too many, and one that is missing", async () => {
  using folder = new TemporaryFolder();
  mkdirSync(folder.at("root"));
  const files = { "a.md": "a", "b.md": "b", "c.json": '{\r\n"n": 1 }', "d.json": "{}", "e.md": "\u{fffd}" };
  for (const [path, text] of Object.entries(files)) writeFileSync(folder.at(`root/${path}`), text);
  const results = [
    { id: 1, status: 200, bodyType: "text", body: "a" },
    { id: 2, status: 200, bodyType: "text", body: "tampered with" },
    { id: 3, status: 200, bodyType: "json", body: { n: 1 } },
    { id: 4, status: 404, bodyType: "json", body: {} },
    { id: 1, status: 200, bodyType: "text", body: "a" },
  ];
  writeFileSync(folder.at("results"), results.map((result) => JSON.stringify(result)).join("\n"));
  const documents = Object.keys(files).map((path) => ({ path, bytes: 1 }));
  expect(await verify(folder.at("results"), folder.at("root"), documents)).toEqual([
    "b.md differs",
    "d.json differs",
    "result 1 is one too many",
    "e.md has no result",
  ]);
});
