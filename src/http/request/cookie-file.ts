/**
 * Files of cookies, as browsers export them and curl and wget read and write them: a line for each, with seven fields
 * between tabs. Netscape has begun with them; https://curl.se/docs/http-cookies.html describes them.
 */
import { isIP } from "node:net";

/** A cookie as such a file has it. */
export interface FileCookie {
  readonly name: string;
  readonly value: string;
  /** The host, without a dot before it. */
  readonly domain: string;
  readonly isForSubdomains: boolean;
  readonly path: string;
  readonly isSecure: boolean;
  readonly isHttpOnly: boolean;
  /** Undefined: with the session. */
  readonly expires: Date | undefined;
}

const title = "# Netscape HTTP Cookie File\n# Who has this file can act for you.\n\n";
const httpOnlyMark = "#HttpOnly_";
/** The last second that has a date of four digits. */
const lastSecond = 253_402_300_799;

/** @throws {TypeError} a line is none of such a file; its number is told, and nothing of what it says */
export function readCookieFile(text: string): FileCookie[] {
  const cookies: FileCookie[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const isHttpOnly = line.startsWith(httpOnlyMark);
    if (line.trim() === "" || (line.startsWith("#") && !isHttpOnly)) continue;
    const cookie = readLine(isHttpOnly ? line.slice(httpOnlyMark.length) : line, isHttpOnly);
    if (cookie === undefined) {
      throw new TypeError(
        `Expected a file of cookies: line ${index + 1} is not "domain, TRUE or FALSE, path, TRUE or FALSE, seconds, name, value" with tabs between`,
      );
    }
    cookies.push(cookie);
  }
  return cookies;
}

function readLine(line: string, isHttpOnly: boolean): FileCookie | undefined {
  const [host = "", subdomains, path = "", secure, seconds = "", name = "", value = "", ...more] = line.split("\t");
  const domain = host.replace(/^\./, "");
  if (domain === "" || name === "" || more.length > 0 || line.includes(";")) return undefined;
  if (!isFlag(subdomains) || !isFlag(secure) || !/^-?\d+(?:\.\d*)?$/.test(seconds)) return undefined;
  return {
    name,
    value,
    domain,
    isForSubdomains: subdomains === "TRUE" && isIP(domain) === 0,
    path: path === "" ? "/" : path,
    isSecure: secure === "TRUE",
    isHttpOnly,
    expires: Number(seconds) === 0 ? undefined : new Date(Math.min(Number(seconds), lastSecond) * 1_000),
  };
}

function isFlag(text: string | undefined): boolean {
  return text === "TRUE" || text === "FALSE";
}

/** What a server at {@link urlOf} would have sent to set it. */
export function setCookieOf({ name, value, domain, isForSubdomains, path, ...rest }: FileCookie): string {
  const { isSecure, isHttpOnly, expires } = rest;
  const attributes = [
    `Path=${path}`,
    ...(isForSubdomains ? [`Domain=${domain}`] : []),
    ...(isSecure ? ["Secure"] : []),
    ...(isHttpOnly ? ["HttpOnly"] : []),
    ...(expires === undefined ? [] : [`Expires=${expires.toUTCString()}`]),
  ];
  return [`${name}=${value}`, ...attributes].join("; ");
}

/** Where it belongs. */
export function urlOf({ domain }: FileCookie): string {
  return `https://${isIP(domain) === 6 ? `[${domain}]` : domain}/`;
}

/** The file; without those that no line can hold. */
export function writeCookieFile(cookies: readonly FileCookie[]): string {
  return title + cookies.map(writeLine).join("");
}

function writeLine({ name, value, domain, path, ...rest }: FileCookie): string {
  const { isForSubdomains, isSecure, isHttpOnly, expires } = rest;
  const mark = isHttpOnly ? httpOnlyMark : "";
  const host = isForSubdomains ? `.${domain}` : domain;
  const seconds = expires === undefined ? 0 : Math.max(1, Math.floor(expires.getTime() / 1_000));
  const fields = [mark + host, flag(isForSubdomains), path, flag(isSecure), seconds, name, value];
  return fields.some((field) => /[\t\r\n]/.test(String(field))) ? "" : `${fields.join("\t")}\n`;
}

function flag(is: boolean): "TRUE" | "FALSE" {
  return is ? "TRUE" : "FALSE";
}
