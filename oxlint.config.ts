import { defineConfig, type DummyRuleMap, type OxlintConfig, type OxlintOverride } from "oxlint";
import manifest from "./package.json" with { type: "json" };

const base = ["core", "sync", "flow"];
const resources = ["http", "sql", "files", "workers"];
const services = ["jobs", "server", "fetch"];

/** The arrows of the architecture: what the files of each module of src may import, always through its index.ts. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  sync: ["core"],
  flow: ["core"],
  testing: base,
  ...Object.fromEntries(resources.map((module) => [module, base])),
  ...Object.fromEntries(services.map((module) => [module, [...base, ...resources]])),
  inspect: [...base, ...resources, ...services],
  cli: [...base, ...resources, ...services, "inspect"],
};

/** Each package of the registry is imported by one file of ours, so that it can be replaced. */
const onlyImporter: Record<string, string> = {
  "http-cache-semantics": "src/http/http-cache-semantics.ts",
  pg: "src/sql/postgres.ts",
  "tough-cookie": "src/http/tough-cookie.ts",
  undici: "src/http/undici.ts",
  ws: "src/http/ws.ts",
};

/** The file that reads the time and sets timers for all others. */
const clock = "src/core/clock.ts";

const why = {
  arrow: "Not an arrow of the architecture, or not through the module's index.ts: see mayImport in oxlint.config.ts.",
  detour: "Write the shortest path.",
  library: "Each package of the registry is imported by one file of src: see onlyImporter in oxlint.config.ts.",
  time: `Only ${clock} reads the time or sets a timer: nothing else would stop under virtual time.`,
};

/** Every package that an import could name, this one included: within src, paths are relative. */
const packages = [manifest.name, ...Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })];

/**
 * Rules for files that reach src by `toSource`, each module in `modules` by its door, and of the registry only `library`.
 *
 * Two traps of oxlint: a regex that looks ahead never matches, and where a group takes an import out again (`!`), the
 * other patterns no longer count for it. So only the doors are taken out.
 */
function imports(toSource: "./" | "../" | "../../", modules: readonly string[], library?: string): DummyRuleMap {
  const foreign = packages.filter((name) => name !== library);
  const patterns = [
    { group: [`${toSource}**`, ...modules.map((module) => `!${toSource}${module}/index.ts`)], message: why.arrow },
    { regex: "[^.]/\\.\\./|^\\./\\.\\./", message: why.detour },
    { regex: `^(${foreign.join("|")})(/|$)`, message: why.library },
    { regex: "^node:(timers|perf_hooks)", message: why.time },
  ];
  return { "no-restricted-imports": ["error", { patterns }] };
}

const moduleRules = Object.entries(mayImport).flatMap(([module, others]): OxlintOverride[] => [
  { files: [`src/${module}/*.ts`], rules: imports("../", others) },
  { files: [`src/${module}/*/*.ts`], rules: imports("../../", others) },
]);

const importerRules = Object.entries(onlyImporter).map(([library, file]): OxlintOverride => {
  const module = file.split("/")[1] ?? "";
  return { files: [file], rules: imports("../", mayImport[module] ?? [], library) };
});

const timers = ["setTimeout", "setInterval", "setImmediate"];
const noTimeRules: DummyRuleMap = {
  "no-restricted-globals": ["error", ...[...timers, "performance"].map((name) => ({ name, message: why.time }))],
  "no-restricted-properties": [
    "error",
    { object: "Date", property: "now", message: why.time },
    { object: "AbortSignal", property: "timeout", message: why.time },
    { object: "process", property: "hrtime", message: why.time },
    ...timers.map((property) => ({ object: "globalThis", property, message: why.time })),
  ],
};

const config: OxlintConfig = defineConfig({
  options: { typeAware: true, reportUnusedDisableDirectives: "error" },
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "node", "vitest"],
  categories: { correctness: "error", suspicious: "error" },
  rules: {
    eqeqeq: ["error", "always", { null: "ignore" }],
    "import/no-named-as-default-member": "off", // fast-check is made to be used as fc.string()
    "no-control-regex": "off", // formats have control characters
    "no-unmodified-loop-condition": "off", // does not see what a method called in the loop changes
    "import/no-cycle": ["error", { ignoreTypes: true }],
    "unicorn/no-array-reverse": "off", // lists are built backwards and turned in place
    "unicorn/require-post-message-target-origin": "off", // of windows; threads have no origin
    "typescript/no-explicit-any": "error",
    "typescript/no-misused-promises": "error",
    "typescript/no-this-alias": "off",
    "typescript/no-unsafe-type-assertion": "off", // asks for a check at run time wherever the platform says unknown
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "unicorn/prefer-node-protocol": "error",
    // A property asserts, whatever looks at the values.
    "vitest/expect-expect": ["error", { assertFunctionNames: ["expect", "fc.assert"] }],
    "vitest/valid-expect": ["error", { maxArgs: 2 }],
  },
  overrides: [
    {
      files: ["src/**/*.ts"],
      rules: {
        ...noTimeRules,
        "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
        "no-console": ["error", { allow: ["error"] }],
      },
    },
    { files: ["src/*.ts"], rules: imports("./", base) },
    ...moduleRules,
    ...importerRules,
    { files: [clock], rules: { "no-restricted-imports": "off" } },
    { files: ["src/cli/**/*.ts"], rules: { "no-console": "off" } },
    {
      files: [clock, "src/cli/**/*.ts", "src/**/*.test.ts"],
      rules: { "no-restricted-globals": "off", "no-restricted-properties": "off" },
    },
    {
      files: ["src/**/*.test.ts"],
      rules: { "no-restricted-imports": "off", "max-lines": "off", "typescript/no-misused-spread": "off" },
    },
    { files: ["bin/taskwright.js"], rules: { "no-var": "off" } },
  ],
  ignorePatterns: ["dist", "coverage"],
});

export default config;
