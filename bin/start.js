import { existsSync } from "node:fs";
import { enableCompileCache } from "node:module";

enableCompileCache();

// Only a checkout has a tsconfig.json. There the source runs, whatever an older build left in dist.
const checkout = existsSync(new URL("../tsconfig.json", import.meta.url));
await import(checkout ? "../src/cli/main.ts" : "../dist/cli/main.js");
