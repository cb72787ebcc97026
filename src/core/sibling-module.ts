/**
 * The module `name` beside the one that asks: what a thread or a process is to run. It has the same kind of name, whether
 * the source runs as it was written or built.
 *
 * @param asking - the URL of the one that asks, as its `import.meta` has it
 */
export function siblingModule(asking: string, name: string): URL {
  return new URL(`./${name}.${asking.endsWith(".ts") ? "ts" : "js"}`, asking);
}
