import { isIP } from "node:net";
import { type Clock, Timer, outside } from "../../core/index.ts";
import { ConnectError } from "../errors.ts";
import { type PostgresTls, type WireClient, isServerMessage, makeClient } from "../postgres.ts";
import type { CancelTarget } from "./cancel-request.ts";
import { type ConnectionSettings, PostgresConnection } from "./postgres-connection.ts";
import type { PostgresHost, PostgresTarget, SessionKind } from "./postgres-url.ts";
import { SimpleExchange } from "./exchange.ts";

/** Has dates written in the one way in which they are read. */
export const setIso = "set datestyle to 'ISO'";

/** What an attempt to connect to one host has come to. */
interface Attempt {
  readonly host: PostgresHost;
  readonly tls: PostgresTls | undefined;
  readonly kind: SessionKind;
}

/** Opens one connection: tries the hosts in turn, with and without TLS as the URL says. */
export class PostgresOpening {
  readonly #target: PostgresTarget;
  readonly #settings: ConnectionSettings;
  readonly #clock: Clock;
  #client: WireClient | undefined;
  #isGivenUp = false;

  constructor(target: PostgresTarget, settings: ConnectionSettings, clock: Clock) {
    this.#target = target;
    this.#settings = settings;
    this.#clock = clock;
  }

  /**
   * @param timeoutMs - for each attempt
   * @throws {ConnectError} none of the hosts takes it
   */
  async open(timeoutMs: number): Promise<PostgresConnection> {
    let failure: unknown;
    for (const attempt of this.#attempts()) {
      if (this.#isGivenUp) break;
      try {
        return await this.#attempt(attempt, timeoutMs);
      } catch (error) {
        failure = error;
        // A password that is wrong is so with and without TLS; and a server that says so has TLS or needs none.
        if (isServerMessage(error) && this.#target.hosts.length === 1 && !mayDifferByTls(error)) break;
      }
    }
    throw connectErrorOf(this.#settings.name, failure);
  }

  /** Closes what is on its way: `open` rejects. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#client?.connection.stream.destroy();
  }

  #attempts(): Attempt[] {
    const { hosts, sslMode, sessionKind } = this.#target;
    const attempts = hosts.flatMap((host): Attempt[] => {
      const plain = { host, tls: undefined, kind: sessionKind };
      if (host.host.startsWith("/") || sslMode === "disable") return [plain];
      const secure = { host, tls: tlsOf(this.#target, host), kind: sessionKind };
      if (sslMode === "prefer") return [secure, plain];
      return sslMode === "allow" ? [plain, secure] : [secure];
    });
    if (sessionKind !== "prefer-standby") return attempts;
    // Any other only where none of them is one.
    return [...attempts.map((attempt) => ({ ...attempt, kind: "standby" as const })), ...attempts];
  }

  async #attempt({ host, tls, kind }: Attempt, timeoutMs: number): Promise<PostgresConnection> {
    const target = this.#target;
    const wire = outside(() =>
      makeClient({
        host: host.address ?? host.host,
        port: host.port,
        user: target.user,
        // As a function: otherwise pg looks for one where it likes.
        password: () => passwordOf(target, host),
        database: target.database,
        ssl: tls ?? false,
        sslnegotiation: tls !== undefined && target.sslDirect ? "direct" : "postgres",
        ...(target.applicationName === undefined ? {} : { application_name: target.applicationName }),
        ...(target.options === undefined ? {} : { options: target.options }),
        keepAlive: target.keepAlive,
        ...(target.keepAliveIdleMs === undefined ? {} : { keepAliveInitialDelayMillis: target.keepAliveIdleMs }),
        enableChannelBinding: tls !== undefined && target.channelBinding !== "disable",
      }),
    );
    const { client } = wire;
    this.#client = client;
    const isBound = target.channelBinding === "require" ? watchBinding(client, tls !== undefined) : (): boolean => true;
    const said = new Map<string, string>();
    client.on("error", () => {}); // Until it is a connection.
    await this.#handshake(client, said, timeoutMs);
    try {
      if (!isBound()) refuseUnbound();
    } catch (error) {
      client.connection.stream.destroy();
      throw error;
    }
    const connection = new PostgresConnection(
      wire,
      cancelTargetOf(client, host, tls, target.sslDirect),
      this.#clock,
      this.#settings,
    );
    return await this.#prepare(connection, kind, said);
  }

  #handshake(client: WireClient, said: Map<string, string>, timeoutMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const limit = new Timer(() => {
      reject(new Error(`it took more than ${timeoutMs} ms`));
      client.connection.stream.destroy();
    });
    this.#clock.schedule(this.#clock.now() + timeoutMs, limit);
    outside(() => {
      client.connection.on("parameterStatus", ({ parameterName, parameterValue }) =>
        said.set(parameterName, parameterValue),
      );
      client.connect((error) => {
        limit.cancel();
        if (error === null || error === undefined) return resolve();
        client.connection.stream.destroy();
        reject(error);
      });
    });
    return promise;
  }

  /** What is sent and read is written in one way only, whatever the server is set to. */
  async #prepare(
    connection: PostgresConnection,
    kind: SessionKind,
    said: ReadonlyMap<string, string>,
  ): Promise<PostgresConnection> {
    try {
      const style = said.get("DateStyle") ?? "";
      if (!style.startsWith("ISO")) await runSimply(connection, setIso);
      checkKind(kind, said);
      return connection;
    } catch (error) {
      await connection.end();
      throw error;
    }
  }
}

function checkKind(sessionKind: SessionKind, said: ReadonlyMap<string, string>): void {
  const isStandby = said.get("in_hot_standby") === "on";
  const isReadOnly = isStandby || said.get("default_transaction_read_only") === "on";
  const isWrong =
    (sessionKind === "primary" && isStandby) ||
    (sessionKind === "standby" && !isStandby) ||
    (sessionKind === "read-write" && isReadOnly) ||
    (sessionKind === "read-only" && !isReadOnly);
  if (isWrong) throw new Error(`the server is not ${sessionKind}, as target_session_attrs asks for`);
}

/** Runs something that nobody can cancel. */
async function runSimply(connection: PostgresConnection, text: string): Promise<void> {
  const exchange = new SimpleExchange(text);
  await new Promise<void>((resolve) => connection.start(exchange, resolve));
  if (exchange.hasFailed) throw exchange.failure;
}

/**
 * Tells nobody the password but by SCRAM, and that only where it is bound to TLS: else somebody in between might have it, or
 * do without it. What a server asks for is heard here before pg answers.
 *
 * @returns says whether the login was bound, once it is over
 */
function watchBinding(client: WireClient, hasTls: boolean): () => boolean {
  let isOffered = false;
  let isBound = false;
  const { connection } = client;
  connection.on("authenticationSASL", ({ mechanisms }) => {
    isOffered = hasTls && mechanisms.includes("SCRAM-SHA-256-PLUS");
    if (!isOffered) client.password = refuseUnbound;
  });
  // Where it does not prove that it knows the password, pg ends it.
  connection.on("authenticationSASLFinal", () => (isBound = isOffered));
  connection.on("authenticationCleartextPassword", () => (client.password = refuseUnbound));
  connection.on("authenticationMD5Password", () => (client.password = refuseUnbound));
  return () => isBound;
}

function refuseUnbound(): never {
  throw new Error("the server does not bind the login to TLS, as channel_binding asks for");
}

function passwordOf(target: PostgresTarget, host: PostgresHost): string {
  const password = target.passwordFor(host);
  if (password === undefined) throw new Error("the server asks for a password, and none was given");
  return password;
}

function tlsOf(target: PostgresTarget, { host }: PostgresHost): PostgresTls {
  const { sslMode, ca, certificate, key, keyPassword, leastTls, mostTls } = target;
  // As with libpq, a root certificate makes `require` check the chain.
  const checksChain = sslMode.startsWith("verify") || (sslMode === "require" && ca !== undefined);
  return {
    host,
    // Names only: an address is no server name.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: checksChain,
    ...(checksChain && sslMode !== "verify-full" ? { checkServerIdentity: () => undefined } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...(leastTls === undefined ? {} : { minVersion: leastTls }),
    ...(mostTls === undefined ? {} : { maxVersion: mostTls }),
  };
}

function cancelTargetOf(
  client: WireClient,
  { host, port, address = host }: PostgresHost,
  tls: PostgresTls | undefined,
  isDirect: boolean,
): CancelTarget {
  const { remoteAddress } = client.connection.stream;
  return {
    address: host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host: remoteAddress ?? address, port },
    tls,
    isDirect,
    processId: client.processID ?? 0,
    secretKey: client.secretKey ?? 0,
  };
}

/** `pg_hba.conf` may ask for TLS, or for none. */
function mayDifferByTls(error: { readonly code?: string | undefined }): boolean {
  return error.code === "28000";
}

function connectErrorOf(name: string, failure: unknown): ConnectError {
  if (failure instanceof ConnectError) return failure;
  return new ConnectError(name, reasonOf(failure), isServerMessage(failure) ? failure.code : undefined, failure);
}

function reasonOf(failure: unknown): string {
  const error = failure as (Error & { readonly code?: string; library?: unknown; reason?: unknown }) | undefined;
  // Of OpenSSL, whose message is places in its source.
  if (error?.library !== undefined && typeof error.reason === "string") return `TLS: ${error.reason}`;
  return error?.message === "" || error === undefined ? (error?.code ?? "it was given up") : error.message;
}

/** Whether the next attempt may succeed without anybody doing anything: the server starts, or has no room. */
export function isPassing(error: ConnectError): boolean {
  if (error.sqlState !== undefined) return error.sqlState === "57P03" || error.sqlState.startsWith("53");
  return !/SSL|TLS|certificate|target_session_attrs|password/i.test(error.message);
}
