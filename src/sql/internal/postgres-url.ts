/** What stands in a `postgres://` URL and in the environment, as libpq reads it. */
import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { findPassword } from "./password-file.ts";
import { readService } from "./service-file.ts";

/** Where a server may be. */
export interface PostgresHost {
  /** A name, an address, or the folder of a socket. What its certificate is for. */
  readonly host: string;
  /** To connect to, where it was given, so that nobody has to be asked for the name. */
  readonly address?: string;
  readonly port: number;
}

const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type SslMode = (typeof sslModes)[number];

/** Which of several servers is wanted. */
const sessionKinds = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;
export type SessionKind = (typeof sessionKinds)[number];

const bindings = ["disable", "prefer", "require"] as const;
const tlsVersions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
type TlsVersion = (typeof tlsVersions)[number];

/** All there is to know to connect. */
export interface PostgresTarget {
  /** Tried in this order. */
  readonly hosts: readonly PostgresHost[];
  readonly user: string;
  readonly database: string;
  readonly applicationName: string | undefined;
  /** Settings for the server: `-c name=value`. */
  readonly options: string | undefined;
  readonly connectTimeoutMs: number | undefined;
  readonly keepAlive: boolean;
  readonly keepAliveIdleMs: number | undefined;
  readonly sslMode: SslMode;
  readonly sslDirect: boolean;
  /** PEM. */
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly keyPassword: string | undefined;
  readonly leastTls: TlsVersion | undefined;
  readonly mostTls: TlsVersion | undefined;
  /** Whether what proves that the password is known holds for this very connection of TLS. */
  readonly channelBinding: (typeof bindings)[number];
  readonly sessionKind: SessionKind;
  /** Of one of the hosts. Apart, so that it is never shown by accident. */
  passwordFor(host: PostgresHost): string | undefined;
}

/** The parameters of URLs, and the variable that stands in for each. */
const variables: Readonly<Record<string, string | undefined>> = {
  service: "PGSERVICE",
  host: "PGHOST",
  hostaddr: "PGHOSTADDR",
  port: "PGPORT",
  dbname: "PGDATABASE",
  user: "PGUSER",
  password: "PGPASSWORD",
  passfile: "PGPASSFILE",
  connect_timeout: "PGCONNECT_TIMEOUT",
  client_encoding: "PGCLIENTENCODING",
  options: "PGOPTIONS",
  application_name: "PGAPPNAME",
  fallback_application_name: undefined,
  keepalives: undefined,
  keepalives_idle: undefined,
  sslmode: "PGSSLMODE",
  ssl: undefined,
  sslnegotiation: "PGSSLNEGOTIATION",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  sslpassword: undefined,
  ssl_min_protocol_version: "PGSSLMINPROTOCOLVERSION",
  ssl_max_protocol_version: "PGSSLMAXPROTOCOLVERSION",
  channel_binding: "PGCHANNELBINDING",
  target_session_attrs: "PGTARGETSESSIONATTRS",
};

/** What libpq knows and has no meaning here: nobody is harmed if it is passed over. */
const passedOver = new Set(
  "sslsni gssencmode gsslib krbsrvname gssdelegation keepalives_interval keepalives_count tcp_user_timeout load_balance_hosts sslcompression sslcertmode min_protocol_version max_protocol_version".split(
    " ",
  ),
);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a URL: `postgres://user:password@host:port/database?sslmode=require`. What is missing is taken from PG* variables.
 *
 * @throws {TypeError} something in it has no meaning; passwords are not shown
 */
export function readPostgresUrl(url: string, environment: Environment = process.env): PostgresTarget {
  const given = parse(url);
  const service = given.get("service") ?? environment["PGSERVICE"] ?? "";
  const ofService = service === "" ? undefined : checkedService(readService(service, environment), service);
  const get = (name: string): string | undefined => {
    const variable = variables[name];
    const value =
      given.get(name) ?? ofService?.get(name) ?? (variable === undefined ? undefined : environment[variable]);
    return value === "" ? undefined : value;
  };
  const user = get("user") ?? systemUser();
  const database = get("dbname") ?? user;
  const hosts = readHosts(get);
  const encoding = get("client_encoding")?.toLowerCase();
  if (encoding !== undefined && !["utf8", "utf-8", "auto", "unicode"].includes(encoding))
    throw wrong("client_encoding", "UTF8", encoding);
  const password = get("password");
  const passfile = get("passfile") ?? join(homedir(), ".pgpass");
  const rootCertificate = get("sslrootcert");
  const defaultMode = get("ssl") === "true" || rootCertificate === "system" ? "verify-full" : "prefer";
  return {
    hosts,
    user,
    database,
    applicationName: get("application_name") ?? get("fallback_application_name"),
    options: get("options"),
    connectTimeoutMs: readTimeout(get("connect_timeout")),
    keepAlive: get("keepalives") !== "0",
    keepAliveIdleMs: readSeconds("keepalives_idle", get("keepalives_idle")) ?? keepAliveIdleMs,
    sslMode: oneOf("sslmode", sslModes, get("sslmode") ?? defaultMode),
    sslDirect:
      oneOf("sslnegotiation", ["postgres", "direct"] as const, get("sslnegotiation") ?? "postgres") === "direct",
    ca: rootCertificate === "system" ? undefined : readPem("sslrootcert", rootCertificate),
    certificate: readPem("sslcert", get("sslcert")),
    key: readPem("sslkey", get("sslkey")),
    keyPassword: get("sslpassword"),
    leastTls: tlsVersion("ssl_min_protocol_version", get("ssl_min_protocol_version")),
    mostTls: tlsVersion("ssl_max_protocol_version", get("ssl_max_protocol_version")),
    channelBinding: oneOf("channel_binding", bindings, get("channel_binding") ?? "prefer"),
    sessionKind: oneOf("target_session_attrs", sessionKinds, get("target_session_attrs") ?? "any"),
    passwordFor: (host) => password ?? findPassword(passfile, host, database, user),
  };
}

/** What messages call it: no password, no user, no parameters. */
export function describeTarget({ hosts, database }: PostgresTarget): string {
  const list = hosts.map(({ host, port }) => `${host}${port === defaultPort ? "" : `:${port}`}`).join(",");
  return `postgres://${list}/${database}`;
}

const defaultPort = 5432;
/** Else a connection that was silently cut off would wait for its answers, or listen, for two hours. */
const keepAliveIdleMs = 30_000;

function parse(url: string): Map<string, string> {
  // By hand: URL takes no list of hosts. A bare @ behind the first is part of a password that was not escaped.
  const match = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^@?#]*))?(?:\?([^#]*))?$/.exec(url);
  if (match === null) {
    throw new TypeError("Expected `url` to be like postgres://user:password@host:port/database, got something else");
  }
  const [, credentials, authority = "", database, query = ""] = match;
  const given = new Map<string, string>();
  if (credentials !== undefined) {
    const colon = credentials.indexOf(":");
    given.set("user", decode("user", colon === -1 ? credentials : credentials.slice(0, colon)));
    if (colon !== -1) given.set("password", decode("password", credentials.slice(colon + 1)));
  }
  if (authority !== "") readAuthority(authority, given);
  if (database !== undefined && database !== "") given.set("dbname", decode("dbname", database));
  for (const [name, value] of new URLSearchParams(query)) {
    if (!passedOver.has(name) && !Object.hasOwn(variables, name)) {
      const shown = name.includes("@") ? "something with an @ in it" : `\`${name}\``;
      throw new TypeError(`${shown} is no parameter of a postgres:// URL`);
    }
    given.set(name, value);
  }
  return given;
}

function checkedService(parameters: ReadonlyMap<string, string>, service: string): ReadonlyMap<string, string> {
  for (const name of parameters.keys()) {
    if (!passedOver.has(name) && (!Object.hasOwn(variables, name) || name === "service"))
      throw new TypeError(`\`${name}\` is no parameter of a service, which \`${service}\` has`);
  }
  return parameters;
}

function readAuthority(authority: string, given: Map<string, string>): void {
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const part of authority.split(",")) {
    const match = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(part);
    if (match === null) throw new TypeError("Expected `url` to have hosts like host:port, got something else");
    hosts.push(decode("host", match[1]!).replaceAll(/^\[|\]$/g, ""));
    ports.push(match[2] ?? "");
  }
  if (hosts.some((host) => host !== "")) given.set("host", hosts.join(","));
  if (ports.some((port) => port !== "")) given.set("port", ports.join(","));
}

function decode(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(`Expected the ${name} in \`url\` to be percent-encoded as it should`);
  }
}

function readHosts(get: (name: string) => string | undefined): PostgresHost[] {
  const addresses = get("hostaddr")?.split(",");
  const hosts = (get("host") ?? addresses?.join(",") ?? "localhost").split(",");
  if (addresses !== undefined && addresses.length !== hosts.length)
    throw wrong("hostaddr", "one for each host", addresses.join(","));
  const ports = (get("port") ?? String(defaultPort)).split(",");
  if (ports.length > 1 && ports.length !== hosts.length)
    throw wrong("port", "one for all hosts, or one for each", ports.join(","));
  return hosts.map((given, index) => {
    const address = addresses?.[index] ?? "";
    const host = given === "" ? address || "localhost" : given;
    const port = readPort(ports.length === 1 ? ports[0]! : ports[index]!);
    return address === "" || address === host ? { host, port } : { host, port, address };
  });
}

function readPort(text: string): number {
  if (text === "") return defaultPort;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw wrong("port", "an integer from 1 to 65535", text);
  return port;
}

/** libpq takes less than two seconds for two, and zero or less for no limit. */
function readTimeout(text: string | undefined): number | undefined {
  const ms = readSeconds("connect_timeout", text);
  if (ms === undefined) return undefined;
  return ms <= 0 ? Infinity : Math.max(ms, 2_000);
}

function readSeconds(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!Number.isInteger(seconds)) throw wrong(name, "a whole number of seconds", text);
  return seconds * 1_000;
}

function readPem(name: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new TypeError(`The file of \`${name}\` cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function tlsVersion(name: string, value: string | undefined): TlsVersion | undefined {
  return value === undefined ? undefined : oneOf(name, tlsVersions, value);
}

function oneOf<T extends string>(name: string, allowed: readonly T[], value: string): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw wrong(name, `one of ${allowed.join(", ")}`, value);
}

function wrong(name: string, expected: string, value: string): TypeError {
  return new TypeError(`Expected \`${name}\` of a postgres:// URL to be ${expected}, got \`${value}\``);
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    throw new TypeError("Expected `url` to have a user: postgres://user@host/database");
  }
}
