import { expect, test } from "vitest";
import { connectionRoom } from "./descriptor-limit.ts";

const limits = (soft: string): string =>
  `Limit    Soft Limit  Hard Limit  Units\nMax open files            ${soft}     1048576    files\n`;

test("the limit on open files leaves room for so many connections", () => {
  expect(connectionRoom(limits("1024"))).toBe(960);
  expect(connectionRoom(limits("10"))).toBe(1);
  expect(connectionRoom(limits("unlimited"))).toBe(Infinity);
  expect(connectionRoom("")).toBe(Infinity);
});
