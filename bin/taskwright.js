#!/usr/bin/env node
// Must parse on any Node from 10 on, as a script and as a module: hence the old syntax, and the rest in start.js.
var needed = 24;
var found = process.versions.node;

if (parseInt(found, 10) >= needed) {
  void import("./start.js");
} else {
  process.stderr.write(
    `taskwright needs Node ${needed} or later; this is Node ${found} (${process.execPath}).\n` +
      "Install a newer one from https://nodejs.org/en/download, or let npm bring it along for one run:\n" +
      `  npx --package=node@${needed} --package=taskwright -- taskwright --help\n`,
  );
  process.exitCode = 2;
}
