import type { Limiter } from "../core/index.ts";
import type { AdaptiveLimiterOptions } from "../sync/index.ts";
import type { CookieJar } from "./cookie-jar.ts";
import type { HttpCache, HttpCacheOptions } from "./http-cache.ts";
import type { AuthOption } from "./attempts/auth.ts";
import type { HttpHooks } from "./attempts/hooks.ts";
import type { TraceSource } from "./attempts/propagation.ts";
import type { ProxyOptions } from "./wire/proxy.ts";
import type { BodyInput } from "./request/request-body.ts";
import type { DnsOptions } from "./names/dns.ts";
import type { HeadersInput } from "./request/request-headers.ts";
import type { RedirectOptions } from "./attempts/redirect-rules.ts";
import type { HttpRetryOptions } from "./attempts/retry-rules.ts";
import type { RateOptions } from "./attempts/limits.ts";
import type { Query } from "./request/target.ts";
import type { TimeoutOptions } from "./wire/timeouts.ts";
import type { TlsOptions } from "./undici.ts";

/** Settings of a session. */
export interface SessionOptions {
  /**
   * What relative URLs are relative to. Taken as a folder: below `https://example.com/v1`, `users` is `/v1/users`, and
   * `/users` is `/users`.
   */
  readonly baseUrl?: string | URL;
  /**
   * Sent with each request. Where there is a `baseUrl`, `authorization`, `cookie` and `proxy-authorization` go to its
   * origin only.
   */
  readonly headers?: HeadersInput;
  /** Requests under way at once, each until all of its response has come. More wait for their turn. @default 100 */
  readonly limit?: number;
  /** The same for each host (scheme, name and port). @default `Infinity`: only `limit` counts */
  readonly limitPerHost?: number;
  /**
   * One more limit, which may be shared with others, or learn: a permit is taken before each request gets in line, and
   * given back with a report when its response is through. An answer of 429 or 5xx is reported as failed.
   */
  readonly limiter?: Limiter;
  /** So many requests in a time, attempts included. More wait for their turn. @default no limit */
  readonly rate?: RateOptions;
  /** The same for each host. @default no limit */
  readonly ratePerHost?: RateOptions;
  /**
   * A limit for each host that finds itself, from how long answers take: see `AdaptiveLimiter`, whose options it takes.
   * `limit` and `limitPerHost` hold besides. @default false
   */
  readonly adaptive?: AdaptiveLimiterOptions | boolean;
  /** How long each phase of a request may take; a number is the `totalMs`. Waiting for a slot never counts. */
  readonly timeout?: TimeoutOptions | number;
  /**
   * When and how often requests are sent again that failed or were answered with 429 or 5xx; false for never. See
   * {@link HttpRetryOptions}. @default true
   */
  readonly retry?: HttpRetryOptions | boolean;
  /**
   * How answers of 301, 302, 303, 307 and 308 are followed to their `Location`; false for not at all: then they are
   * answers like any other. See {@link RedirectOptions}. @default true
   */
  readonly redirect?: RedirectOptions | boolean;
  /**
   * Who to be, in an `Authorization` header: `{ username, password }`; `{ bearer }`; `"netrc"`, for what `$NETRC` or
   * `~/.netrc` says of the host; or a function that gives the header's value. It is called for each attempt before that
   * gets in line, and after an answer of 401 once more, with `wasRefused`, to get a fresh token; where there is a `cache`,
   * before that is asked, too.
   *
   * Where there is a `baseUrl` it is for its origin only; it never follows a request to another origin; and a request
   * that has such a header, or credentials in its URL, keeps those.
   */
  readonly auth?: AuthOption;
  /**
   * Where cookies are kept that servers set, also with redirects and with answers that are not the last, and from where
   * they go along: a {@link CookieJar}, or true for one of the session's own, which is `session.cookies`. @default false
   */
  readonly cookies?: CookieJar | boolean;
  /**
   * Where responses are kept that may be used again, as their servers say: an {@link HttpCache}, or true or options for one
   * of the session's own, which is `session.cache`. @default false
   */
  readonly cache?: HttpCache | HttpCacheOptions | boolean;
  /** Functions that are called on the way of each request: for signing, and for logs. */
  readonly hooks?: HttpHooks;
  /**
   * Whether the server is told how much time is left, in whole milliseconds in a header `request-timeout-ms`, or one of
   * another name: up to the deadline around the request, or to its `totalMs`. @default false
   */
  readonly propagateDeadline?: boolean | string;
  /**
   * A context variable that holds a `traceparent` of W3C Trace Context: requests made where it is bound pass the trace
   * on, each with a new span id.
   */
  readonly propagateTrace?: TraceSource;
  /** The longest body of a response to accept, in bytes: as it comes, and decompressed. @default `Infinity` */
  readonly maxBodyBytes?: number;
  /**
   * Whether to ask for compressed answers (gzip, deflate, br, zstd) and to decompress them, asked for or not. What is
   * compressed in another way is left as it is, and so are parts (206). If false, nothing is asked for, and bodies are
   * read as they come. @default true
   */
  readonly decompress?: boolean;
  /**
   * How long a connection is kept when nobody needs it, in milliseconds, unless the server asks for another time.
   * @default 4_000
   */
  readonly keepAliveMs?: number;
  /** Settings of TLS, as of `tls.connect` of Node: `ca`, `cert`, `key`, `rejectUnauthorized`, `servername` ... */
  readonly tls?: TlsOptions;
  /** How names are looked up. Answers are shared by all requests of the session. */
  readonly dns?: DnsOptions;
  /**
   * What to go through: the URL of a proxy, with user and password if it asks for them; the same with more options; or
   * `"environment"`, which reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` as curl does. To https, a tunnel
   * is opened through it; requests to http are passed on by it. @default none, whatever the environment says
   */
  readonly proxy?: string | URL | ProxyOptions;
  /**
   * Whether to speak HTTP/2: `"auto"` with servers that choose it when TLS is agreed on, and HTTP/1.1 with others; `true`
   * always, also without TLS, and servers that do not are an error. All requests to a host then share one connection, or
   * as many as it takes for the requests the server allows at once; the limits count requests all the same. @default false
   */
  readonly http2?: boolean | "auto";
  /**
   * Whether requests may go to addresses that are not of the public internet: loopback, private networks, link-local
   * (the metadata of clouds), multicast, and addresses of IPv6 that carry such of IPv4. If not, those addresses of a name
   * are passed over, and a host that has no others is refused: what is looked at is what is connected to, each time. Say
   * false where others choose the URLs. Not together with a proxy, which would do the connecting. @default true
   */
  readonly allowPrivateHosts?: boolean;
}

/** Settings of a request. */
export interface HttpRequestOptions {
  /** In place of the session's headers of the same names. `undefined` removes one. */
  readonly headers?: HeadersInput;
  /** Added to the query of the URL. `undefined` and `null` are left out; an array gives one for each. */
  readonly query?: Query;
  /** A value to send as JSON. Not together with `body`. */
  readonly json?: unknown;
  /**
   * What to send: text, bytes, a form (URLSearchParams, FormData or `multipart`), a `file`, a Blob, or an iterable of text
   * or bytes. An iterable is asked for more as the connection takes it, and runs in the scope of the request.
   */
  readonly body?: BodyInput;
  /** In place of the session's, field by field; a number is the `totalMs`. */
  readonly timeout?: TimeoutOptions | number;
  /** In place of the session's. */
  readonly maxBodyBytes?: number;
  /** In place of the session's. */
  readonly decompress?: boolean;
  /** In place of the session's, field by field; false for never. */
  readonly retry?: HttpRetryOptions | boolean;
  /** In place of the session's, field by field; false for never. */
  readonly redirect?: RedirectOptions | boolean;
  /** In place of the session's, whatever its `baseUrl`; false for none. */
  readonly auth?: AuthOption | false;
  /** In place of the session's; false for none. */
  readonly cookies?: CookieJar | false;
  /** In place of the session's; false for none. */
  readonly cache?: HttpCache | false;
}
