import fc from "fast-check";
import { expect, test } from "vitest";
import { isPublicAddress, publicOf } from "./address-guard.ts";

const privateOnes = [
  "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254",
  "172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1",
  "203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255",
  ":: ::1 0:0:0:0:0:0:0:1 ::127.0.0.1 fe80::1 fe80::1%eth0 febf::1 fc00::1 fd12:3456::1 ff02::1 ff0e::1 100::1",
  "::ffff:127.0.0.1 ::ffff:7f00:1 ::FFFF:10.0.0.1 0:0:0:0:0:ffff:192.168.1.1 ::ffff:0:127.0.0.1",
  "64:ff9b::127.0.0.1 64:ff9b::a00:1 64:ff9b::169.254.169.254 64:ff9b:1::8.8.8.8",
  "2002:7f00:1:: 2002:7f00:0001::1 2002:a00:1::1 2002:c0a8:101::1 2002:a9fe:a9fe::",
  "2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:10::1 2001:db8::1 3fff::1 4000::1 5f00::1 8000::1",
].flatMap((line) => line.split(" "));

const publicOnes = [
  "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.1.1 169.255.0.0",
  "172.15.255.255 172.32.0.0 192.0.1.1 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255",
  "2606:4700:4700::1111 2a00:1450:4001:82b::200e 2001:4860:4860::8888 2001:200::1 3ffe::1 2620:fe::fe",
  "::ffff:8.8.8.8 ::ffff:808:808 64:ff9b::8.8.8.8 64:ff9b::808:808 2002:808:808::1",
].flatMap((line) => line.split(" "));

test.each(privateOnes)("%s is not public", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(publicOnes)("%s is public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test("an address of IPv6 that carries one of IPv4 counts as that, for all addresses", () => {
  const carriers = [
    (a: number, b: number, text: string) => `::ffff:${text}`,
    (a: number, b: number) => `0:0:0:0:0:ffff:${a.toString(16)}:${b.toString(16)}`,
    (a: number, b: number, text: string) => `64:ff9b::${text}`,
    (a: number, b: number) => `2002:${a.toString(16)}:${b.toString(16)}::1`,
  ];
  const group = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(group, group, (a, b) => {
      const text = [a >> 8, a & 255, b >> 8, b & 255].join(".");
      for (const carrier of carriers) expect(isPublicAddress(carrier(a, b, text))).toBe(isPublicAddress(text));
    }),
    { numRuns: 2_000 },
  );
});

test("of a name with several addresses, only the public ones are left", () => {
  expect(publicOf("a.test", ["127.0.0.1", "8.8.8.8", "fd00::1", "2606:4700::1"])).toEqual(["8.8.8.8", "2606:4700::1"]);
  expect(() => publicOf("a.test", ["127.0.0.1", "fd00::1"])).toThrow("a.test is at 127.0.0.1");
});
