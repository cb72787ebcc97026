import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  // Tests import the package by its own name and get the source.
  resolve: { conditions: ["taskwright-source"] },
  ssr: { resolve: { conditions: ["taskwright-source"] } },
  // Only the types are taken off, as Node does it: lowered `using` and `await` would make other stacks and other ticks.
  oxc: { target: "esnext" },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    execArgv: ["--conditions=taskwright-source", "--expose-gc"],
  },
});

export default config;
