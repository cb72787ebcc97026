import type { ConnectTo, TlsOptions, WireRequest } from "../undici.ts";
import { wrong } from "../request/check.ts";
import { NoProxy, splitNoProxy } from "./no-proxy.ts";
import { type HeaderList, type HeadersInput, mergeHeaders, withDefault } from "../request/request-headers.ts";
import { takeCredentials } from "../request/target.ts";

/** A proxy, and for whom. */
export interface ProxyOptions {
  /** `http://` or `https://` (then TLS is spoken to the proxy itself), with user and password if it asks for them. */
  readonly url: string | URL;
  /** Sent to the proxy alone: to open a tunnel, and with each request that it passes on. */
  readonly headers?: HeadersInput;
  /**
   * Hosts to reach without it: names, which stand for all below them too, addresses and networks such as `10.0.0.0/8`,
   * or `*`; a string holds several, separated by commas. @default none
   */
  readonly noProxy?: string | readonly string[];
  /** Settings of TLS with the proxy itself. @default the `ca` of the session's `tls` */
  readonly tls?: TlsOptions;
}

/** A proxy, as connections go through it. */
export class ProxyServer {
  /** Without what may be secret. */
  readonly name: string;
  readonly to: ConnectTo;
  readonly tls: TlsOptions | undefined;
  readonly headers: HeaderList;

  constructor(url: URL, headers: HeadersInput | undefined, tls: TlsOptions | undefined) {
    const authorization = takeCredentials(url);
    const own = authorization === undefined ? [] : ["proxy-authorization", authorization];
    this.name = url.origin;
    const { protocol, host, port } = url;
    this.to = { protocol, host, hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"), port };
    this.tls = tls;
    this.headers = mergeHeaders(own, headers);
  }

  /** A request as the proxy wants it that is to pass it on. */
  passedOn(origin: string, request: WireRequest): WireRequest {
    let { headers } = request;
    for (let i = 0; i < this.headers.length; i += 2) {
      headers = withDefault(headers, this.headers[i]!, this.headers[i + 1]!);
    }
    return { ...request, path: origin + request.path, headers };
  }
}

/** Says through which proxy an origin is reached, if any. */
export type FindProxy = (origin: string) => ProxyServer | undefined;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param given - a URL, options, or `"environment"`
 * @throws {TypeError} it names no proxy that can be used
 */
export function readProxy(
  given: string | URL | ProxyOptions,
  tls: TlsOptions | undefined,
  env: Environment,
): FindProxy {
  if (given === "environment") return readEnvironment(tls, env);
  const isPlain = typeof given === "string" || given instanceof URL;
  if (!isPlain && (typeof given !== "object" || given === null)) {
    throw new TypeError(wrong("proxy", 'a URL, "environment" or an object', given));
  }
  const options = isPlain ? { url: given } : given;
  const name = isPlain ? "proxy" : "proxy.url";
  const server = new ProxyServer(readUrl(options.url, name), options.headers, options.tls ?? ownTls(tls));
  const except = new NoProxy(readNoProxy(options.noProxy));
  return (origin) => (except.covers(new URL(origin)) ? undefined : server);
}

/**
 * As curl reads it: `http_proxy`, `https_proxy`, for both `all_proxy`, and `no_proxy`, in either case.
 *
 * Only `HTTP_PROXY` does not count in a CGI program, where it is a header that the client has sent.
 */
function readEnvironment(tls: TlsOptions | undefined, env: Environment): FindProxy {
  const read = (name: string): string | undefined => {
    const isHeader = name === "http_proxy" && env["REQUEST_METHOD"] !== undefined;
    return env[name] ?? (isHeader ? undefined : env[name.toUpperCase()]);
  };
  const find = (name: string): ProxyServer | undefined => {
    const [used, text] = [name, "all_proxy"].map((one) => [one, read(one)] as const).find(([, value]) => value) ?? [];
    if (used === undefined || text === undefined) return undefined;
    const url = text.includes("://") ? text : `http://${text}`;
    return new ProxyServer(readUrl(url, used), undefined, ownTls(tls));
  };
  const servers: Record<string, ProxyServer | undefined> = {
    "http:": find("http_proxy"),
    "https:": find("https_proxy"),
  };
  const except = new NoProxy(splitNoProxy(read("no_proxy") ?? ""));
  return (origin) => {
    const url = new URL(origin);
    return except.covers(url) ? undefined : servers[url.protocol];
  };
}

function readUrl(given: string | URL, name: string): URL {
  const expected = "an http or https URL of a proxy";
  if (typeof given !== "string" && !(given instanceof URL)) throw new TypeError(wrong(name, expected, given));
  const url = URL.parse(String(given));
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  // It may hold a password, so nothing of it is shown.
  throw new TypeError(`Expected \`${name}\` to be ${expected}`);
}

function readNoProxy(given: string | readonly string[] = []): readonly string[] {
  if (typeof given === "string") return splitNoProxy(given);
  if (Array.isArray(given) && given.every((one) => typeof one === "string")) return given.flatMap(splitNoProxy);
  throw new TypeError(wrong("proxy.noProxy", "a string or a list of strings", given));
}

/** Certificates and keys that are meant for servers are none of the proxy's business. */
function ownTls(tls: TlsOptions | undefined): TlsOptions | undefined {
  return tls?.ca === undefined ? undefined : { ca: tls.ca };
}
