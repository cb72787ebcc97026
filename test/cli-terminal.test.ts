/** `taskwright fetch` on a terminal: what one sees, not what is written. */
import { readFileSync, writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { TemporaryFolder } from "./cli.ts";
import { httpServer } from "./http-server.ts";
import { Terminal } from "./terminal.ts";

/** Holds all requests until told to answer. */
function holding(): { server: ReturnType<typeof httpServer>; answer: () => void } {
  const released = Promise.withResolvers<void>();
  const server = httpServer((request, response) => {
    void released.promise.then(() => {
      response.statusCode = request.url === "/3" ? 404 : 200;
      response.end("x");
    });
  });
  return { server, answer: () => released.resolve() };
}

function listOf(origin: string, count: number): string {
  return Array.from({ length: count }, (_, index) => `${origin}/${index}\n`).join("");
}

describe("on a terminal", () => {
  test("the progress is drawn in place, and nothing of it is left in the end", async () => {
    const { server, answer } = holding();
    await using held = await server;
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("list"), listOf(held.origin, 20));
    const terminal = new Terminal(["fetch", "-i", "list", "-o", "out", "-c", "5"], { cwd: folder.path });
    const rows = await terminal.shows((all) => all.some((row) => row.startsWith("5 of 5 in flight")));
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/^─{40}  0\/~?20  0%  0\.0\/s$/);
    answer();
    expect(await terminal.ended).toBe(1);
    expect(terminal.screen.rows.map((row) => row.replaceAll(/[\d.,]+ (?:ms|s|k?B)|\d+\/s/g, "*"))).toEqual([
      "20 requests in * (*): 19 ok, 1 failed",
      `failed:  404 x1  ${held.origin}/3`,
      "latency: p50 *, p95 *, max *; * of bodies",
      "results: out (*)",
      "journal: out.journal",
      "again:   taskwright fetch --retry-failed -i list -o out -c 5",
    ]);
  });

  test("SIGHUP, which comes when the window is closed, lets what is under way end", async () => {
    const { server, answer } = holding();
    await using held = await server;
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("list"), listOf(held.origin, 20));
    const terminal = new Terminal(["fetch", "-i", "list", "-o", "out", "-c", "5"], { cwd: folder.path });
    await terminal.shows((all) => all.some((row) => row.startsWith("5 of 5 in flight")));
    terminal.kill("SIGHUP");
    await terminal.says("waiting for 5 under way, another SIGHUP cancels");
    answer();
    expect(await terminal.ended).toBe(129);
    expect(readFileSync(folder.at("out"), "utf8").split("\n")).toHaveLength(6);
  });

  test("the progress finds its place again when the window gets narrower", async () => {
    const { server, answer } = holding();
    await using held = await server;
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("list"), listOf(held.origin, 20));
    const terminal = new Terminal(["fetch", "-i", "list", "-o", "out", "-c", "5"], { cwd: folder.path, columns: 120 });
    await terminal.shows((all) => all.some((row) => row.startsWith("5 of 5 in flight")));
    terminal.resize(30);
    // What is drawn between the change and the news of it may be broken, on any terminal; what comes after is not.
    await terminal.shows((all) => all.at(-1) === "5 of 5 in flight" && all.at(-2)!.length < 30);
    answer();
    expect(await terminal.ended).toBe(1);
    expect(terminal.screen.rows.filter((row) => row.startsWith("20 requests in "))).toHaveLength(1);
  });

  test("Ctrl-C once lets requests end and twice cancels them, and the screen stays in order", async () => {
    const { server } = holding();
    await using held = await server;
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("list"), listOf(held.origin, 20));
    const terminal = new Terminal(["fetch", "-i", "list", "-o", "out", "-c", "5"], { cwd: folder.path });
    await terminal.shows((all) => all.some((row) => row.startsWith("5 of 5 in flight")));
    terminal.press("\u0003");
    const rows = await terminal.shows(
      (all) => all.some((row) => row.startsWith("taskwright fetch: stopping")) && all.length === 3,
    );
    expect(rows[0]).toBe("taskwright fetch: stopping: waiting for 5 under way, Ctrl-C again cancels");
    terminal.press("\u0003");
    expect(await terminal.ended).toBe(130);
    expect(terminal.screen.rows.filter((row) => /in flight|─/.test(row))).toEqual([]);
    expect(terminal.screen.rows.at(-1)).toBe("go on:   taskwright fetch -i list -o out -c 5");
    expect(readFileSync(folder.at("out"), "utf8")).toBe("");
  });

  test("a crash leaves nothing of the progress, and begins on a line of its own", async () => {
    const { server } = holding();
    await using held = await server;
    using folder = new TemporaryFolder();
    // Ctrl-D is the crash: nothing of the command itself can be made to fail to order.
    const crash = `process.stdin.resume().once("end", () => { throw new Error("boom"); })`;
    const terminal = new Terminal(["fetch", `${held.origin}/`, "-o", "out"], {
      cwd: folder.path,
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(crash)}` },
    });
    await terminal.shows((all) => all.some((row) => row.includes("in flight")));
    terminal.press("\u0004");
    expect(await terminal.ended).not.toBe(0);
    expect(terminal.screen.rows).toContain("Error: boom");
    expect(terminal.screen.rows.filter((row) => /in flight|─/.test(row))).toEqual([]);
  });

  test("a host that asks to be left alone is shown, and for how long", async () => {
    await using busy = await httpServer((_request, response) => {
      response.writeHead(429, { "retry-after": "3000" }).end();
    });
    using folder = new TemporaryFolder();
    const terminal = new Terminal(["fetch", `${busy.origin}/`, "-o", "out"], { cwd: folder.path });
    const rows = await terminal.shows((all) => all.some((row) => row.includes("on pause")));
    expect(rows[1]).toMatch(/^0 of 0 in flight {2}1 host on pause for (?:50:00|49:5\d)$/);
    terminal.press("\u0003");
    expect(await terminal.ended).toBe(130);
    expect(terminal.screen.rows[1]).toBe("stopped: 1 request has no outcome");
  });

  test("nothing moves the cursor where the terminal cannot, and where progress is off", async () => {
    const { server, answer } = holding();
    await using held = await server;
    answer();
    using folder = new TemporaryFolder();
    const args = ["fetch", `${held.origin}/1`, "-o"];
    const dumb = new Terminal([...args, "a"], { cwd: folder.path, env: { TERM: "dumb" } });
    const quiet = new Terminal([...args, "b", "-q"], { cwd: folder.path });
    expect([await dumb.ended, await quiet.ended]).toEqual([0, 0]);
    expect(dumb.text).toBe(stripVTControlCharacters(dumb.text));
    expect(quiet.screen.rows).toEqual([]);
  });

  test("colours are there, unless NO_COLOR says otherwise, and the help is as wide as the window", async () => {
    const plain = { NO_COLOR: "1" };
    const wide = new Terminal(["fetch", "--help"], { columns: 100 });
    const narrow = new Terminal(["fetch", "--help"], { columns: 80, env: plain });
    expect([await wide.ended, await narrow.ended]).toEqual([0, 0]);
    expect(wide.text).toContain("\u001b[1mExit codes\u001b[");
    expect(narrow.text).not.toContain("\u001b");
    expect(Math.max(...wide.screen.rows.map((row) => row.length))).toBeGreaterThan(90);
    expect(Math.max(...narrow.screen.rows.map((row) => row.length))).toBeLessThanOrEqual(80);
  });

  test("without anything to ask the command says so, and does not wait for a list", async () => {
    const terminal = new Terminal(["fetch"], { columns: 200 });
    expect(await terminal.ended).toBe(2);
    expect(terminal.screen.rows.join("\n")).toContain("taskwright fetch: Nothing to ask: name URLs, a file with -i");
  });

  test("Ctrl-C ends a run that reads from there by a name, and waits for no other line", async () => {
    await using server = await httpServer((_request, response) => void response.end("x"));
    const terminal = new Terminal(["fetch", "-i", "/dev/stdin"]);
    terminal.press(`${server.url("/a")}\n`);
    await terminal.says('"ok":true');
    terminal.press("\u0003");
    expect(await terminal.ended).toBe(130);
    expect(terminal.text).toContain("stopped: the rest of the input was not read");
  });

  test("control characters of a list are not obeyed", async () => {
    using folder = new TemporaryFolder();
    writeFileSync(folder.at("list"), "http://127.0.0.1:1/\u001b[2J\u009b31m\nno\u001b[31mt a url\n");
    const args = ["fetch", "-i", "list", "-o", "out", "-v", "--retry", "0"];
    const terminal = new Terminal(args, { cwd: folder.path, env: { NO_COLOR: "1" } });
    expect(await terminal.ended).toBe(1);
    expect(terminal.text).not.toContain("\u001b[31m");
    expect(terminal.text).not.toContain("\u001b[2J");
    expect(terminal.text).not.toContain("\u009b");
  });
});
