/** `npm run demo`: the same as `taskwright demo`. */
import { fileURLToPath } from "node:url";
import { demo } from "../src/cli/demo/demo.ts";

process.exitCode = await demo(fileURLToPath(new URL("../bin/taskwright.js", import.meta.url)));
