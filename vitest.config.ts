import { defineConfig, type ViteUserConfig } from "vitest/config";

/** What the layers below everything must reach. The others are listed, and may have gaps. */
const wellTested = { lines: 98, branches: 98 };

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["test/property-seed.ts"],
    // Node itself loads the source, as it does for everybody else: the package by its own name, through the condition
    // below, and types erased in place. So a line that a test reaches is the same line that a process reaches which a
    // test has started, and coverage can count both.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    pool: "forks",
    // Files share a process, as modules of a program do; a process a file costs most of the time. A test of what a
    // process does, with its signals and its end, starts one.
    isolate: false,
    // Only what hangs is to be found: how long a test takes says nothing where the machine is busy.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    execArgv: ["--conditions=taskwright-source", "--expose-gc"],
    reporters: process.env["CI"] === undefined ? ["default"] : ["default", "./scripts/counts-reporter.ts"],
    coverage: {
      include: ["src/**/*.ts"],
      exclude: ["src/**/*.test.ts"],
      autoAttachSubprocess: true,
      reporter: [["text", { skipFull: true, maxCols: 120 }], "html"],
      thresholds: { "src/core/**": wellTested, "src/sync/**": wellTested, "src/flow/**": wellTested },
    },
  },
});

export default config;
