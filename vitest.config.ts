import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  // Tests import the package by its own name and get the source.
  resolve: { conditions: ["taskwright-source"] },
  ssr: { resolve: { conditions: ["taskwright-source"] } },
  // Only the types are taken off, as Node does it: lowered `using` and `await` would make other stacks and other ticks.
  oxc: { target: "esnext" },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["test/property-seed.ts"],
    pool: "forks",
    // Files share a process, as modules of a program do; a process a file costs most of the time. A test of what a
    // process does, with its signals and its end, starts one.
    isolate: false,
    execArgv: ["--conditions=taskwright-source", "--expose-gc"],
    reporters: process.env["CI"] === undefined ? ["default"] : ["default", "./scripts/counts-reporter.ts"],
    coverage: {
      include: ["src/**/*.ts"],
      exclude: ["src/**/*.test.ts"],
      reporter: ["text", "html"],
    },
  },
});

export default config;
