/** The Python of this machine that has a package, if any does. */
import { spawnSync } from "node:child_process";

/** That of the system, too: where another stands before it, the packages of the system are not with that. */
export function pythonWith(module: string): string | undefined {
  return ["python3", "/usr/bin/python3"].find((python) => spawnSync(python, ["-c", `import ${module}`]).status === 0);
}
