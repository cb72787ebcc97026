/** What `taskwright fetch` reads: several inputs, formats, templates. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text as readAll } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createGzip, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Cli, TemporaryFolder, runCli } from "./cli.ts";
import { httpServer } from "./http-server.ts";

interface Result {
  id: string | number;
  url: string;
  ok: boolean;
  status?: number;
  body?: unknown;
  error?: { code: string; message: string };
}

/** In the order of the input, as far as ids are numbers. */
function resultsOf(text: string): Result[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Result).toSorted((a, b) => Number(a.id) - Number(b.id));
}

function echoPath(request: IncomingMessage, response: ServerResponse): void {
  response.end(request.url);
}

/** Answers with what it was asked. */
function echoRequest(request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request;
  response.setHeader("content-type", "application/json");
  void readAll(request).then((body) => response.end(JSON.stringify({ method, url, headers, body })));
}

describe("several inputs", () => {
  test("are read one after the other, patterns in the order of names, and numbered as though they were one", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    mkdirSync(folder.at("lists"));
    mkdirSync(folder.at("lists/c.txt"));
    writeFileSync(folder.at("lists/b.txt"), `${server.url("/b1")}\n${server.url("/b2")}\n`);
    writeFileSync(folder.at("lists/a.txt"), `# one\n${server.url("/a")}`);
    writeFileSync(folder.at("x.jsonl"), JSON.stringify({ url: server.url("/x"), id: "mine" }));
    const args = ["fetch", "-i", "lists/*.txt", "-i", "x.jsonl", "-i", "-"];
    const { code, stdout } = await runCli(args, { cwd: folder.path, stdin: server.url("/in") });
    expect(code).toBe(0);
    const ids = resultsOf(stdout).map(({ id, body }) => [body, id]);
    expect(Object.fromEntries(ids)).toEqual({ "/a": 2, "/b1": 3, "/b2": 4, "/x": "mine", "/in": 6 });
  });

  test("are decompressed by what is in them", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a.gz"), gzipSync(`${server.url("/a")}\n`));
    writeFileSync(folder.at("b"), zstdCompressSync(`${server.url("/b")}\n`));
    writeFileSync(folder.at("c.gz"), `${server.url("/c")}\n`);
    const args = ["fetch", "-i", "a.gz", "-i", "b", "-i", "c.gz", "-i", "-"];
    const stdin = gzipSync(`${server.url("/d")}\n`);
    const { code, stdout } = await runCli(args, { cwd: folder.path, stdin });
    expect(code).toBe(0);
    expect(resultsOf(stdout).map(({ id, body }) => [id, body])).toEqual([
      [1, "/a"],
      [2, "/b"],
      [3, "/c"],
      [4, "/d"],
    ]);
  });

  test("may be pipes, as <(...) of a shell is", async () => {
    await using server = await httpServer(echoPath);
    const shell = `exec "$0" "$1" fetch -i <(echo ${server.url("/a")}) -i <(gzip -c <<< ${server.url("/b")})`;
    const bin = fileURLToPath(new URL("../bin/taskwright.js", import.meta.url));
    const child = spawn("bash", ["-c", shell, process.execPath, bin], { stdio: ["ignore", "pipe", "ignore"] });
    expect(resultsOf(await readAll(child.stdout)).map(({ id, body }) => [id, body])).toEqual([
      [1, "/a"],
      [2, "/b"],
    ]);
  });

  test("are named in messages and in results, with the number of the line in its own file", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a"), `${server.url("/a")}\n`);
    writeFileSync(folder.at("b"), "\n  http://a/ b\n");
    const { code, stdout, stderr } = await runCli(["fetch", "-i", "a", "-i", "b"], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stderr).toContain("b:2:12: A URL cannot contain spaces");
    const [, bad] = resultsOf(stdout);
    expect(bad).toMatchObject({ id: 3, error: { code: "BAD_LINE" } });
    expect(bad!.error!.message).toContain("b, line 2, column 12: A URL cannot contain spaces");
  });

  test.each([
    [["-i", "nothing-*"], "No file matches `nothing-*`"],
    [["-i", "a", "-i", "missing"], "Cannot read requests: ENOENT"],
    [["-i", "."], "Cannot read requests: EISDIR: `.` is a directory"],
    [["-i", "-", "-i", "-"], "Standard input can be read only once"],
    [["-i", "a", "-i", "b", "-o", "b"], "`b` is an input: results in its place would delete the requests"],
    [["-i", "*", "-o", "b"], "`b` is an input"],
  ])("are refused before anything is asked: %j", async (args, message) => {
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a"), "http://127.0.0.1:1/\n");
    writeFileSync(folder.at("b"), "http://127.0.0.1:1/\n");
    const { code, stdout, stderr } = await runCli(["fetch", ...args], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("that break in the middle end the run, by name", async () => {
    await using server = await httpServer(echoPath);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a"), `${server.url("/a")}\n`);
    writeFileSync(folder.at("b.gz"), gzipSync(`${server.url("/b")}\n`.repeat(10)).subarray(0, -4));
    const { code, stderr } = await runCli(["fetch", "-i", "a", "-i", "b.gz"], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain("Cannot read requests (b.gz): unexpected end of file");
  });

  test("that break end a dry run as they would end a run", async () => {
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a.gz"), gzipSync("http://a.example/\n".repeat(10)).subarray(0, -4));
    writeFileSync(folder.at("b.csv"), "id;name\n1;a\n");
    const dryRun = (...flags: string[]) => runCli(["fetch", "--dry-run", ...flags], { cwd: folder.path });
    expect(await dryRun("-i", "a.gz")).toMatchObject({
      code: 2,
      stderr: "taskwright fetch: Cannot read requests (a.gz): unexpected end of file\n",
    });
    expect(await dryRun("-i", "b.csv", "--template", "http://a.example/{id}")).toMatchObject({
      code: 2,
      stderr: "taskwright fetch: Cannot read requests (b.csv): The header has no field `id`: it has `id;name`\n",
    });
  });

  test("are no folders, standard input neither", async () => {
    using folder = new TemporaryFolder();
    const shell = [
      "-c",
      '"$0" "$1" fetch < .',
      process.execPath,
      fileURLToPath(new URL("../bin/taskwright.js", import.meta.url)),
    ];
    const { status, stderr } = spawnSync("/bin/sh", shell, { cwd: folder.path, encoding: "utf8" });
    expect(status).toBe(2);
    expect(stderr).toContain("Cannot read requests (standard input): EISDIR");
  });

  test("are told apart by a dry run", async () => {
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a.txt"), "http://a.example/1\nhttp://a.example/2\n");
    writeFileSync(folder.at("b.gz"), gzipSync('{"url": "http://b.example/"}\n{}\n'));
    const { code, stdout } = await runCli(["fetch", "--dry-run", "-i", "a.txt", "-i", "b.gz"], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stdout).toContain("3 requests to 2 hosts: 3 GET; no request: 1 line\n");
    expect(stdout).toContain("  a.txt: urls, 2 requests, 38 B\n");
    expect(stdout).toMatch(/ {2}b\.gz: jsonl, gzip, 1 request, \d+ B; no request: 1 line\n/);
  });
});

/** A line as OpenAI's Batch API takes it. */
function batchLine(id: string, content: string): string {
  const body = { model: "m", messages: [{ role: "user", content }] };
  return JSON.stringify({ custom_id: id, method: "POST", url: "/v1/chat/completions", body });
}

describe("lines of OpenAI's Batch API", () => {
  test("are sent to the base URL, and answered as that API answers", async () => {
    await using server = await httpServer((request, response) => {
      void readAll(request).then((body) => {
        const { messages } = JSON.parse(body) as { messages: { content: string }[] };
        const content = `${request.method} ${request.url} ${request.headers.authorization}: ${messages[0]!.content}`;
        response.setHeader("content-type", "application/json").setHeader("x-request-id", "req_9");
        response.writeHead(messages[0]!.content === "bad" ? 400 : 200).end(JSON.stringify({ content }));
      });
    });
    const stdin = `${batchLine("a", "hello")}\n${batchLine("b", "bad")}\n{"custom_id": "c", "url": 5}\n`;
    const flags = ["-H", "Authorization: Bearer key", "--output-format", "openai-batch", "--retry", "0"];
    for (const base of [server.origin, `${server.origin}/v1/`]) {
      const { code, stdout } = await runCli(["fetch", "--base-url", base, ...flags], { stdin });
      expect(code).toBe(1);
      const lines = stdout.split("\n").slice(0, -1);
      const results = lines.map((text) => JSON.parse(text) as { custom_id: string });
      expect(results.toSorted((x, y) => (x.custom_id < y.custom_id ? -1 : 1))).toEqual([
        {
          id: "batch_req_1",
          custom_id: "a",
          response: {
            status_code: 200,
            request_id: "req_9",
            body: { content: "POST /v1/chat/completions Bearer key: hello" },
          },
          error: null,
        },
        {
          id: "batch_req_2",
          custom_id: "b",
          response: {
            status_code: 400,
            request_id: "req_9",
            body: { content: "POST /v1/chat/completions Bearer key: bad" },
          },
          error: null,
        },
        {
          id: "batch_req_3",
          custom_id: "c",
          response: null,
          error: { code: "BAD_LINE", message: "line 3, column 20: Expected `url` to be a string, got 5" },
        },
      ]);
    }
  });

  test("end the run at once where nobody says which host they are for", async () => {
    const { code, stdout, stderr } = await runCli(["fetch"], { stdin: `${batchLine("a", "hello")}\n` });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("openai-batch lines do not say which host: give --base-url");
  });
});

test("a base URL stands before the paths of any list, and has to be one", async () => {
  await using server = await httpServer(echoPath);
  const { stdout } = await runCli(["fetch", "--base-url", `${server.origin}/base`], { stdin: "/a\n/b?c\n" });
  expect(resultsOf(stdout).map(({ body }) => body)).toEqual(["/base/a", "/base/b?c"]);
  const named = await runCli(["fetch", "--base-url", server.origin, "/c", server.url("/d")]);
  expect(resultsOf(named.stdout).map(({ body }) => body)).toEqual(["/c", "/d"]);
  for (const wrong of ["example.com", "ftp://a/", "http://a/?b", "http://me:s3cr3t@a/?b"]) {
    const { code, stderr } = await runCli(["fetch", "--base-url", wrong], { stdin: "/a" });
    expect(code).toBe(2);
    expect(stderr).toContain("Expected --base-url to be an http or https URL without a query");
    expect(stderr).not.toContain("s3cr3t");
  }
});

test("objects of other people's making may call URL and id as they like", async () => {
  await using server = await httpServer(echoPath);
  const stdin = [
    { link: server.url("/a"), key: "x", uri: 1 },
    { key: "y", url: server.url("/no") },
  ];
  const args = ["fetch", "--url-field", "link", "--id-field", "key"];
  const { stdout } = await runCli(args, { stdin: stdin.map((one) => JSON.stringify(one)).join("\n") });
  const results = resultsOf(stdout).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  expect(results).toMatchObject([
    { id: "x", ok: true, body: "/a" },
    { id: "y", ok: false, error: { message: "line 2, column 1: `link` is missing" } },
  ]);
});

test("targets of vegeta are sent with their headers and the files they name", async () => {
  await using server = await httpServer(echoRequest);
  using folder = new TemporaryFolder();
  writeFileSync(folder.at("body"), Buffer.from([0x62, 0xc3, 0xa4]));
  const targets = `GET ${server.url("/a")}\nX-Id: 7\n\nPUT ${server.url("/b")}\n@body\n`;
  writeFileSync(folder.at("targets"), targets);
  const json = { method: "POST", url: server.url("/c"), body: btoa("hello"), header: { "X-Id": ["8"] } };
  const args = ["fetch", "-i", "targets", "-i", "-", "--input-format", "vegeta"];
  const { code, stdout } = await runCli(args, { cwd: folder.path, stdin: JSON.stringify(json) });
  expect(code).toBe(0);
  expect(resultsOf(stdout)).toMatchObject([
    { id: 1, body: { method: "GET", url: "/a", headers: { "x-id": "7" }, body: "" } },
    { id: 4, body: { method: "PUT", url: "/b", body: "bä" } },
    { id: 6, body: { method: "POST", url: "/c", headers: { "x-id": "8" }, body: "hello" } },
  ]);
});

describe("a template", () => {
  test("makes requests of the fields of tables and of JSONL", async () => {
    await using server = await httpServer(echoRequest);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a.csv"), '\ufeffid,name,n\r\n7,"O\'Neill, ""Jim""",1\r\n8,"two\r\nlines",true\r\n');
    writeFileSync(folder.at("b.tsv.gz"), gzipSync("n\tname\n3\tx y\n"));
    writeFileSync(folder.at("c"), '{"id": 12345678901234567890, "name": "z", "n": 4}\n');
    const template = ["--template", `${server.origin}/{name}?n={n}`, "-H", "X-Name: {n}"];
    const args = ["fetch", ...template, "--json", '{"name": "{name}", "n": {n}}'];
    const files = ["-i", "a.csv", "-i", "b.tsv.gz", "-i", "c"];
    const { code, stdout, stderr } = await runCli([...args, ...files], { cwd: folder.path });
    expect(code, stderr).toBe(0);
    const bodies = Object.fromEntries(resultsOf(stdout).map(({ id, body }) => [id, body]));
    expect(bodies).toMatchObject({
      7: { url: "/O%27Neill%2C%20%22Jim%22?n=1", body: '{"name": "O\'Neill, \\"Jim\\"", "n": 1}' },
      8: { url: "/two%0D%0Alines?n=true", body: '{"name": "two\\r\\nlines", "n": true}' },
      6: { method: "POST", headers: { "x-name": "3", "content-type": "application/json" } },
    });
    expect(bodies["12345678901234567890"]).toMatchObject({ url: "/z?n=4" });
  });

  test("and -d send what is encoded, and a body of a file may have names too", async () => {
    await using server = await httpServer(echoRequest);
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("body"), '{"ask": "{q}", "other": {"q": 1}}');
    const stdin = "q\na&b\n";
    const sentBy = async (...args: string[]): Promise<unknown> => {
      const { stdout } = await runCli(["fetch", "--template", server.url("/x"), ...args], { cwd: folder.path, stdin });
      return resultsOf(stdout)[0]!.body;
    };
    expect(await sentBy("-d", "q={q}")).toMatchObject({ url: "/x", body: "q=a%26b" });
    expect(await sentBy("--json", "@body")).toMatchObject({ body: '{"ask": "a&b", "other": {"q": 1}}' });
    expect(await sentBy("-G", "-d", "q={q}")).toMatchObject({ method: "GET", url: "/x?q=a%26b", body: "" });
  });

  test("names fields that are there, or nothing is asked", async () => {
    const args = ["fetch", "--template", "http://127.0.0.1:1/{id}?q={q}"];
    const { code, stdout, stderr } = await runCli(args, { stdin: "id,name\n1,x\n" });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("standard input): The header has no field `q`: it has `id`, `name`");
  });

  test.each([
    [["--template", "http://a/{id}", "http://a/"], "Got --template and URLs"],
    [["--template", "http://a/{id}", "--input-format", "urls"], "Lines of urls have no fields for --template"],
    [["--template", "http://a/{id"], "--template has a brace that is not of a name such as {id}"],
    [["--template", "nothing"], "--template is no http or https URL"],
    [["--template", "http://a/{id}", "--url-field", "url"], "Got --url-field and --template"],
  ])("that is wrong is refused: %j", async (args, message) => {
    const { code, stderr } = await runCli(["fetch", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

test("a list is shuffled in an order that the seed decides, and results keep the numbers of their lines", async () => {
  const asked: string[] = [];
  await using server = await httpServer((request, response) => {
    asked.push(request.url!);
    response.end(request.url);
  });
  const stdin = Array.from({ length: 40 }, (_, index) => `${server.url(`/${index + 1}`)}\n`).join("");
  const orderWith = async (...args: string[]): Promise<string> => {
    asked.length = 0;
    const { code, stdout } = await runCli(["fetch", "-c", "1", ...args], { stdin });
    expect(code).toBe(0);
    expect(resultsOf(stdout).map(({ id, body }) => body === `/${id}`)).toEqual(Array(40).fill(true));
    return asked.join();
  };
  const plain = await orderWith();
  const shuffled = await orderWith("--shuffle");
  expect(shuffled).not.toBe(plain);
  expect(await orderWith("--shuffle")).toBe(shuffled);
  expect(await orderWith("--shuffle-seed", "2")).not.toBe(shuffled);
});

/** Twenty numbers, a line each. */
function numbers(from: number): string {
  return Array.from({ length: 20 }, (_, index) => `${from + index}\n`).join("");
}

describe("a run that was stopped", () => {
  test("before anything came in has ended well", async () => {
    const cli = new Cli(["fetch", "--progress", "plain"], { stdin: undefined });
    await cli.says("0");
    cli.kill("SIGINT");
    expect((await cli.ended).code).toBe(130);
  });

  test("while it waited for more of a compressed list has ended well", async () => {
    await using server = await httpServer(echoPath);
    const cli = new Cli(["fetch"], { stdin: undefined });
    const zip = createGzip();
    zip.pipe(cli.process.stdin!);
    zip.write(`${server.url("/a")}\n`);
    zip.flush();
    await cli.writesLine();
    cli.kill("SIGINT");
    const { code, stderr } = await cli.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/^1 request in .*\nstopped: the rest of the input was not read\nlatency: .*\n$/);
  });

  test("goes on with several inputs, a template and shuffling, and asks nothing twice", async () => {
    const asked: string[] = [];
    let failing = true;
    await using server = await httpServer((request, response) => {
      asked.push(request.url!);
      response.writeHead(failing && request.url!.includes("/1") ? 500 : 200).end();
    });
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("a.csv"), `n\n${numbers(100)}`);
    writeFileSync(folder.at("b.csv.gz"), gzipSync(`n\n${numbers(200)}bad,line\n`));
    const origin = server.origin.replace("//", "//me:secret@");
    const flags = ["--template", `${origin}/{n}`, "--shuffle", "--retry", "0", "-i", "a.csv", "-i", "b.csv.gz"];
    const args = ["fetch", ...flags, "-o", "out.jsonl", "--output-format", "openai-batch"];
    const first = await runCli(args, { cwd: folder.path });
    expect(first.code).toBe(1);
    expect(asked).toHaveLength(40);
    expect(first.stderr).toContain("***@");
    expect(first.stderr).not.toContain("me:secret");
    failing = false;
    const second = await runCli([...args, "--retry-failed"], { cwd: folder.path });
    expect(asked).toHaveLength(60);
    expect(second.code).toBe(1);
    const lines = readFileSync(folder.at("out.jsonl"), "utf8").split("\n").slice(0, -1);
    const results = lines.map((line) => JSON.parse(line) as { id: string; error: { message: string } | null });
    expect(new Set(results.map(({ id }) => id)).size).toBe(41);
    expect(results.filter(({ error }) => error !== null)).toMatchObject([
      { id: "batch_req_43", error: { message: "b.csv.gz, line 22: Expected 1 field, as in the header, got 2" } },
    ]);
  });
});
