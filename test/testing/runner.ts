/** The same test file for vitest and for Node's own test runner: `test` of the one that runs it. */
type Test = (name: string, fn: () => Promise<void>) => unknown;

const isVitest = process.env["VITEST"] !== undefined;

export const test: Test = isVitest ? (await import("vitest")).test : (await import("node:test")).test;
