import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Screen } from "../../test/screen.ts";
import { TerminalPanel } from "./terminal-panel.ts";

function show(panel: TerminalPanel, lines: readonly string[], log: readonly string[] = []): void {
  panel.show(
    lines,
    lines.map((line) => line.length),
    log,
  );
}

describe("TerminalPanel", () => {
  test("draws its lines anew in place, be they more or fewer", () => {
    const screen = new Screen(40);
    screen.write("$ fetch\n");
    const panel = new TerminalPanel(screen);
    show(panel, ["one", "two"]);
    show(panel, ["1", "2", "3"]);
    show(panel, ["just one"]);
    expect(screen.rows).toEqual(["$ fetch", "just one"]);
  });

  test("keeps what is logged above, whole and in order", () => {
    const screen = new Screen(40);
    const panel = new TerminalPanel(screen);
    show(panel, ["a long line of progress", "below"]);
    show(panel, ["progress"], ["first", "second ".repeat(20).trim()]);
    show(panel, ["progress"], ["third"]);
    expect(screen.rows.join("\n")).toMatch(/^first\nsecond [^]*\nthird\nprogress$/);
    panel.clear(["last"]);
    expect(screen.rows.at(-1)).toBe("last");
  });

  test("leaves nothing behind but what was logged", () => {
    const screen = new Screen(40);
    const panel = new TerminalPanel(screen);
    show(panel, ["one", "two"], ["log"]);
    panel.clear([]);
    panel.clear([]);
    screen.write("summary\n");
    expect(screen.rows).toEqual(["log", "summary"]);
  });

  test("finds its place again where the terminal has become narrower, and has broken its lines", () => {
    const screen = new Screen(80);
    screen.write("$ fetch\n");
    const panel = new TerminalPanel(screen);
    show(panel, ["x".repeat(77), "y".repeat(60), "z"]);
    screen.columns = 30;
    show(panel, ["x".repeat(27), "y".repeat(20)]);
    screen.columns = 100;
    show(panel, ["x".repeat(97), "y".repeat(20)]);
    expect(screen.rows).toEqual(["$ fetch", "x".repeat(97), "y".repeat(20)]);
  });

  test("never loses, breaks or mixes what was logged, whatever it shows in between, and on whatever terminal", () => {
    const steps = fc.array(
      fc.record({
        widths: fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 1, maxLength: 3 }),
        log: fc.array(fc.constantFrom("a log line", "b", "c ".repeat(30).trim())),
        columns: fc.integer({ min: 12, max: 60 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const screen = new Screen(40);
        const panel = new TerminalPanel(screen);
        for (const { widths, log, columns } of all) {
          screen.columns = columns;
          const lines = widths.map((width) => "#".repeat(width));
          show(panel, lines, log);
        }
        panel.clear(["end"]);
        screen.columns = 1_000;
        expect(screen.rows).toEqual([...all.flatMap(({ log }) => log), "end"]);
      }),
    );
  });
});
