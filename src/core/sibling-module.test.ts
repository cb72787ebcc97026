import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { siblingModule } from "./sibling-module.ts";

test("a module beside another is found, and else it is said what to do about bundles", () => {
  const here = new URL("./sibling-module.ts", import.meta.url).href;
  expect(siblingModule(here, "scope").href).toBe(new URL("./scope.ts", here).href);

  const bundle = pathToFileURL("/app/bundle.js").href;
  expect(() => siblingModule(bundle, "thread-side")).toThrow(
    'without `/app/thread-side.js`, which it runs in threads and processes: have the bundler leave it out, with `external: ["taskwright"]`',
  );
});

test("what was made CommonJS of does not know where it is, and is in a bundle, too", () => {
  expect(() => siblingModule(undefined, "thread-side")).toThrow("Expected taskwright not to be in a bundle");
});

test("where modules are no files, nothing is looked for", () => {
  expect(siblingModule("https://example.com/a.js", "b").href).toBe("https://example.com/b.js");
});
