import { defineConfig, type ViteUserConfig } from "vitest/config";

/** What the layers below everything must reach. The others are listed, and may have gaps. */
const wellTested = { lines: 98, branches: 98 };

/** Their time is virtual and their runs repeat: what fails there fails again, or the package is at fault. */
const certain = ["src/{core,sync,flow}/**/*.test.ts"];
const others = ["src/!(core|sync|flow)/**/*.test.ts", "test/**/*.test.ts"];
const isCi = process.env["CI"] !== undefined;

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "certain", include: certain } },
      // Sockets, processes and databases on a machine that others use too get a second try there. Whatever needed it is
      // named at the end of the run, to be mended.
      { extends: true, test: { name: "machine", include: others, retry: isCi ? 1 : 0 } },
    ],
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
    reporters: isCi ? ["default", "./scripts/counts-reporter.ts"] : ["default"],
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
