import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HostsFile, parseHosts } from "./hosts-file.ts";

test("each line names one address, and a name may have several", () => {
  const names = parseHosts(
    "# comment\r\n127.0.0.1\tlocalhost  Vm # and more\r\n::1 localhost\n\n127.0.0.1 localhost\nnonsense here\n10.0.0.1",
  );
  expect([...names]).toEqual([
    ["localhost", ["127.0.0.1", "::1"]],
    ["vm", ["127.0.0.1"]],
  ]);
});

test("a file that is not there names nobody", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "hosts-"));
  expect(new HostsFile(join(folder.path, "missing")).find("localhost")).toBeUndefined();
});

test("a file is read when a name is first looked for", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "hosts-"));
  const path = join(folder.path, "hosts");
  const hosts = new HostsFile(path);
  writeFileSync(path, "192.0.2.7 db.internal\n");
  expect(hosts.find("db.internal")).toEqual(["192.0.2.7"]);
  expect(hosts.find("other.internal")).toBeUndefined();
});
