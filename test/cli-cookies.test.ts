/** Cookies of `taskwright fetch`, from files and into files, as a process, against a real server. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Cli, TemporaryFolder, runCli } from "./cli.ts";
import { type TestServer, httpServer } from "./http-server.ts";

/** Sets a cookie at `/login`, another at `/count` each time, and answers with those that came. */
function shop(): Promise<TestServer> {
  let count = 0;
  return httpServer(({ url, headers }, response) => {
    if (url === "/login") response.setHeader("set-cookie", "id=1; Path=/; HttpOnly; Max-Age=1000000");
    if (url === "/count") response.setHeader("set-cookie", `count=${++count}; Path=/`);
    response.end(headers.cookie ?? "none");
  });
}

const line = (...fields: string[]): string => `${fields.join("\t")}\n`;

async function bodies(args: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await runCli(["fetch", "-c", "1", "-q", "--ordered", ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout
    .trim()
    .split("\n")
    .map((result) => (JSON.parse(result) as { body: string }).body);
}

test("those of a file go where they belong, and what servers set goes along from then on", async () => {
  await using server = await shop();
  using folder = new TemporaryFolder();
  writeFileSync(
    folder.at("cookies.txt"),
    `# Netscape HTTP Cookie File\n\n${line("127.0.0.1", "FALSE", "/", "FALSE", "0", "mine", "yes")}${line(".example.com", "TRUE", "/", "FALSE", "0", "theirs", "no")}`,
  );
  const urls = ["/a", "/count", "/b"].map((path) => server.url(path));

  expect(await bodies(["-b", folder.at("cookies.txt"), ...urls])).toEqual([
    "mine=yes",
    "mine=yes",
    "mine=yes; count=1",
  ]);
  expect(await bodies(["-b", "", ...urls])).toEqual(["none", "none", "count=2"]);
  expect(await bodies(["-b", "own=1", "-b", folder.at("cookies.txt"), urls[0]!])).toEqual(["own=1; mine=yes"]);
});

test("are written to the file of --cookie-jar, for another run or another program", async () => {
  await using server = await shop();
  using folder = new TemporaryFolder();
  const jar = folder.at("jar.txt");

  await bodies(["--cookie-jar", jar, server.url("/login"), server.url("/count")]);
  const [id, count] = readFileSync(jar, "utf8").trim().split("\n").slice(-2);
  expect(id).toMatch(/^#HttpOnly_127\.0\.0\.1\tFALSE\t\/\tFALSE\t\d{10}\tid\t1$/);
  expect(count).toBe(line("127.0.0.1", "FALSE", "/", "FALSE", "0", "count", "1").trimEnd());
  expect(statSync(jar).mode & 0o777).toBe(0o600);

  expect(await bodies(["-b", jar, "--cookie-jar", jar, server.url("/count")])).toEqual(["id=1; count=1"]);
  expect(await bodies(["-b", jar, server.url("/a")])).toEqual(["id=1; count=2"]);
});

test("are written when the run is interrupted, too", async () => {
  using folder = new TemporaryFolder();
  await using server = await httpServer(({ url }, response) => {
    if (url === "/hangs") return;
    response.setHeader("set-cookie", "id=1").end();
  });
  const cli = new Cli(["fetch", "-c", "1", "--cookie-jar", folder.at("jar"), server.url("/"), server.url("/hangs")]);
  await cli.writesLine();
  cli.process.kill("SIGINT");
  await cli.says("stopping");
  cli.process.kill("SIGINT");

  expect((await cli.ended).code).toBe(130);
  expect(readFileSync(folder.at("jar"), "utf8")).toMatch(/\tid\t1\n$/);
});

test("that cannot be written at the end make the run one that failed", async () => {
  using folder = new TemporaryFolder();
  mkdirSync(folder.at("there"));
  const jar = folder.at("there/jar");
  await using server = await httpServer((_, response) => {
    // A folder in its place.
    rmSync(jar, { force: true });
    mkdirSync(jar);
    writeFileSync(folder.at("there/jar/file"), "");
    response.end();
  });

  const { code, stderr, stdout } = await runCli(["fetch", "-q", "--cookie-jar", jar, server.url("/")]);

  expect(code).toBe(1);
  expect(stderr).toMatch(/^taskwright fetch: Cannot write cookies \(.*there\/jar\): E\w+: .*\n$/);
  expect(stdout).toContain('"status":200');
});

test("are no secret that is told: the command that goes on names their file, and not those that were given", async () => {
  await using server = await httpServer((_, response) => response.writeHead(404).end());
  using folder = new TemporaryFolder();
  writeFileSync(folder.at("jar"), line("127.0.0.1", "FALSE", "/", "FALSE", "0", "mine", "hush"));
  const args = ["-b", folder.at("jar"), "-b", "a=hush", "-o", folder.at("out"), server.url("/")];

  const { stderr } = await runCli(["fetch", ...args]);

  expect(stderr).toContain(`-b ${folder.at("jar")} -b '***'`);
  expect(stderr).not.toContain("hush");
});
