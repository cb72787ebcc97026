/**
 * Ends a test run in CI with one plain line: `154 passed, 0 failed, 2 skipped`. Before it stands which of the passed
 * tests failed at first.
 */
import type { Reporter, TestModule } from "vitest/node";

export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    const lines: string[] = [];
    for (const module of modules) {
      // A file that breaks before its tests are known has none to count, and is a failure all the same.
      if (module.state() === "failed" && module.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) {
        const { state, errors = [] } = test.result();
        counts[state === "pending" ? "failed" : state]++;
        if (!test.diagnostic()?.flaky) continue;
        lines.push(`passed at the second try only: ${module.relativeModuleId} > ${test.fullName}`);
        lines.push(...errors.map(({ stack, message }) => stack ?? message));
      }
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    lines.push(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
    // The report of coverage comes after this, and the line is to be the last.
    process.once("exit", () => console.log(lines.join("\n")));
  }
}
