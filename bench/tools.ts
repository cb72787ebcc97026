/** Async tasks, threads and processes on work that waits, blocks and computes: the example does that. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export function benchTools(): void {
  const example = fileURLToPath(new URL("../examples/which-tool.ts", import.meta.url));
  console.log("");
  execFileSync(process.execPath, ["--conditions=taskwright-source", example], { stdio: "inherit" });
}
