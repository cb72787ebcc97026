/** `npm run demo`: the same as `taskwright demo`. */
import { demo } from "../src/cli/demo/demo.ts";

process.exitCode = await demo();
