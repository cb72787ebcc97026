import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The module `name` beside the one that asks: what a thread or a process is to run. It has the same kind of name, whether
 * the source runs as it was written or built.
 *
 * @param asking - the URL of the one that asks, as its `import.meta` has it; what bundlers make CommonJS of has none
 * @throws {TypeError} it is not there: a bundler has taken the one that asks along, and not what it does not import
 */
export function siblingModule(asking: string | undefined, name: string): URL {
  if (asking === undefined) throw bundled(name);
  const url = new URL(`./${name}.${asking.endsWith(".ts") ? "ts" : "js"}`, asking);
  if (url.protocol !== "file:" || existsSync(url)) return url;
  throw bundled(fileURLToPath(url));
}

function bundled(missing: string): TypeError {
  return new TypeError(
    `Expected taskwright not to be in a bundle, got one without \`${missing}\`, which it runs in threads and processes:` +
      ' have the bundler leave it out, with `external: ["taskwright"]` or the like',
  );
}
