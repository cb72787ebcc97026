import { isIP } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { type TlsOptions, openSession } from "../http/index.ts";
import type { FetchSessionOptions } from "../fetch/index.ts";
import { readCookies } from "./cookie-settings.ts";
import { readArgumentFile } from "./file-argument.ts";
import type { GivenFlags } from "./flags.ts";
import { wholeNumber } from "./units.ts";
import { UsageError } from "./usage-error.ts";

/**
 * What the flags say of how hosts are reached, and of who one is there.
 *
 * @throws {UsageError} a flag is wrong
 */
export function readSession(given: GivenFlags): FetchSessionOptions {
  const tls = readTls(given);
  const proxy = readProxy(given, process.env);
  const dns = readDns(given);
  const cookies = readCookies(given);
  if (given.has("netrc")) refuseUnreadableNetrc();
  if (given.has("max-redirs") && !given.has("location")) throw new UsageError("Got --max-redirs and no --location");
  const http2 = given.has("http2-prior-knowledge") ? true : given.has("http2") ? "auto" : undefined;
  return {
    ...(tls !== undefined && { tls }),
    ...(proxy !== undefined && { proxy }),
    ...(dns !== undefined && { dns }),
    ...(http2 !== undefined && { http2 }),
    ...(cookies !== undefined && { cookies }),
    ...(given.has("compressed") && { decompress: true }),
    ...(given.has("location") && {
      redirect: { max: given.read("max-redirs", "a whole number, 0 or more", wholeNumber, 20) },
    }),
    ...(given.has("netrc") && { auth: "netrc" as const }),
    ...(given.has("no-private-hosts") && { allowPrivateHosts: false }),
  };
}

/**
 * Finds what only a session knows to be wrong, before anything is asked.
 *
 * @throws {UsageError} no session can be opened with `options`
 */
export async function checkSession(options: FetchSessionOptions): Promise<void> {
  if (Object.keys(options).length === 0) return;
  if (options.proxy === "environment" && options.allowPrivateHosts === false) {
    const hint = "-x '' goes without the one that the environment names";
    throw new UsageError("--no-private-hosts cannot see behind a proxy", hint);
  }
  try {
    await openSession(options)[Symbol.asyncDispose]();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message.replace("`dns.servers`", "--dns-servers"), undefined, { cause: error });
  }
}

/** Or each request would fail of it. Where there is no file, nothing is sent. */
function refuseUnreadableNetrc(): void {
  try {
    readArgumentFile("netrc", process.env["NETRC"] || join(homedir(), ".netrc"));
  } catch (error) {
    if (((error as Error).cause as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function readDns(given: GivenFlags): FetchSessionOptions["dns"] {
  const servers = given.get("dns-servers")?.split(",");
  const hosts = Object.fromEntries(given.all("resolve").map(readResolve));
  const dns = { ...(servers !== undefined && { servers }), ...(given.has("resolve") && { hosts }) };
  return Object.keys(dns).length === 0 ? undefined : dns;
}

function readResolve(text: string): [host: string, addresses: readonly string[]] {
  const [, host = "", list = ""] = /^([^:*]+:\d+):(.+)$/.exec(text) ?? [];
  const addresses = list.split(",").map((one) => one.replace(/^\[(.*)\]$/, "$1"));
  if (host !== "" && addresses.every((one) => isIP(one) !== 0)) return [host, addresses];
  throw new UsageError(
    `Expected --resolve to be HOST:PORT:ADDRESS, got \`${text}\``,
    "such as example.com:443:10.0.0.7",
  );
}

function readTls(given: GivenFlags): TlsOptions | undefined {
  const ca = given.get("cacert");
  const [cert, password] = splitCertificate(given.get("cert"));
  const key = given.get("key") ?? cert;
  if (key !== undefined && cert === undefined) throw new UsageError("Got --key and no --cert", "it is the key of that");
  const passphrase = given.get("pass") ?? password;
  const tls: TlsOptions = {
    ...(given.has("insecure") && { rejectUnauthorized: false }),
    ...(ca !== undefined && { ca: readPem("cacert", ca, "CERTIFICATE") }),
    ...(cert !== undefined && { cert: readPem("cert", cert, "CERTIFICATE") }),
    ...(key !== undefined && { key: readPem("key", key, "PRIVATE KEY") }),
    ...(passphrase !== undefined && { passphrase }),
  };
  if (Object.keys(tls).length === 0) return undefined;
  if (ca !== undefined || cert !== undefined) refuseWrongTls(tls);
  return tls;
}

/** `FILE:PASSWORD`; a colon of the file's name has a backslash before it. */
function splitCertificate(given: string | undefined): [file: string | undefined, password: string | undefined] {
  if (given === undefined) return [undefined, undefined];
  const [, file, password] = /^((?:[^:\\]|\\.)*):(.*)$/s.exec(given) ?? [given, given, undefined];
  return [file?.replaceAll("\\:", ":"), password];
}

function readPem(flag: string, path: string, what: "CERTIFICATE" | "PRIVATE KEY"): Buffer {
  const bytes = readArgumentFile(flag, path);
  // Node takes what has none for an empty list, and trusts nobody then.
  if (bytes.includes(`${what}-----`)) return bytes;
  const name = what === "CERTIFICATE" ? "certificate" : "private key";
  throw new UsageError(`There is no ${name} in \`${path}\`, given as --${flag}`, "files in the format PEM are read");
}

function refuseWrongTls(tls: TlsOptions): void {
  // Loading TLS takes time, and only few requests have certificates of their own.
  const { createSecureContext } = process.getBuiltinModule("node:tls");
  try {
    createSecureContext(tls);
  } catch (error) {
    const message = `--cacert, --cert or --key cannot be used: ${(error as Error).message}`;
    const hint = "is it the key of that certificate, and the password that of the key?";
    throw new UsageError(message, tls.cert === undefined ? undefined : hint, { cause: error });
  }
}

const environmentNames = ["http_proxy", "https_proxy", "all_proxy"].flatMap((name) => [name, name.toUpperCase()]);

/** As with curl, the environment counts unless a flag says something else, and an empty one says: none. */
function readProxy(given: GivenFlags, env: NodeJS.ProcessEnv): FetchSessionOptions["proxy"] {
  const noProxy = given.get("noproxy");
  const text = given.get("proxy");
  if (text === "" || noProxy === "*") return undefined;
  if (text !== undefined) {
    return { url: proxyUrl(text, given.get("proxy-user")), ...(noProxy !== undefined && { noProxy }) };
  }
  if (given.has("proxy-user")) throw new UsageError("Got --proxy-user and no --proxy");
  if (!environmentNames.some((name) => env[name])) return undefined;
  // The session reads it from there, too.
  if (noProxy !== undefined) env["no_proxy"] = noProxy;
  return "environment";
}

function proxyUrl(text: string, user: string | undefined): URL {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  // The text may hold a password, so nothing of it is shown.
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new UsageError("Expected --proxy to be [http://]HOST[:PORT] or https://HOST[:PORT]");
  }
  // As with curl. A port of 80 that was given is one that the parser leaves out.
  if (url.protocol === "http:" && url.port === "" && !/:0*80(?:[/?#]|$)/.test(text)) url.port = "1080";
  if (user !== undefined) {
    const colon = user.indexOf(":");
    if (colon === -1) throw new UsageError("Expected --proxy-user to be NAME:PASSWORD");
    url.username = encodeURIComponent(user.slice(0, colon));
    url.password = encodeURIComponent(user.slice(colon + 1));
  }
  return url;
}
