import { type ScopeNode, arrive, refuse } from "../core/index.ts";
import { type Offer, serveConnection } from "./internal/fault-accept.ts";
import { Berth } from "./internal/fault-berth.ts";
import { type ConnectionScript, readConnectionScript } from "./internal/fault-connection-script.ts";
import { type FaultCertificate, authorityCertificate, expectCertificate } from "./internal/fault-certificate.ts";
import { FaultListener } from "./internal/fault-listener.ts";
import { faults } from "./internal/fault-list.ts";
import { FaultPlayer } from "./internal/fault-player.ts";
import { type FaultConnection, FaultRecord, type FaultServerStatistics } from "./internal/fault-record.ts";
import type { FaultRequest } from "./internal/fault-request.ts";
import { type FaultScript, readScript } from "./internal/fault-script.ts";

/** Settings of a fault server. */
export interface FaultServerOptions {
  /** Speak TLS, with this certificate: see {@link FaultServer.authority}. @default no TLS */
  readonly tls?: FaultCertificate;
  /** Speak HTTP/2: with TLS to clients that offer it, without to all. @default false */
  readonly http2?: boolean;
  /** What becomes of connections before there is a request on them. @default "serve" */
  readonly connections?: ConnectionScript;
}

/**
 * A server on the loopback interface that does what its script says. Made by {@link openFaultServer}.
 *
 * Its time is real, also for clients under virtual time: their clock stands still while they wait for it. A client that
 * closes its side of a connection counts as gone: what is left of the answer is not sent.
 *
 * `await using`: disposal closes all connections, and waits until they are closed. If a script or a fault has thrown,
 * disposal throws the first of these errors. With a scope that ends before, the server is closed as well.
 */
export class FaultServer implements AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly #record: FaultRecord;
  readonly #player: FaultPlayer;
  readonly #listener: FaultListener;
  readonly #berth: Berth;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(scope: ScopeNode, url: string, record: FaultRecord, player: FaultPlayer, listener: FaultListener) {
    this.url = url;
    this.#record = record;
    this.#player = player;
    this.#listener = listener;
    this.#berth = new Berth(scope, `fault server ${url}`, () => {
      // Nobody waits for it: what its script has done wrong is told to nobody.
      this[Symbol.asyncDispose]().catch(() => {});
    });
  }

  /** The certificate, in PEM, of the authority behind its own: what clients are to trust, as `ca`. */
  get authority(): string {
    return authorityCertificate();
  }

  /** The requests that have come, in their order. */
  get requests(): readonly FaultRequest[] {
    return this.#record.requests;
  }

  /** The connections that have been accepted, in their order. */
  get connections(): readonly FaultConnection[] {
    return this.#record.connections;
  }

  /** What the server has seen, in numbers. */
  statistics(): FaultServerStatistics {
    return this.#record.statistics();
  }

  /**
   * Waits until `isMet` returns true of the statistics: it is asked now, and whenever something happens at the server.
   * What a client does, such as closing a connection, takes a moment to arrive there.
   *
   * Cancel: stops waiting.
   *
   * @throws what `isMet` throws
   */
  until(isMet: (statistics: FaultServerStatistics) => boolean): Promise<void> {
    return this.#record.until(isMet);
  }

  /**
   * Closes all connections.
   *
   * Cancel: waits all the same; the sockets are closed at once.
   *
   * @throws the first error of the script or of a fault
   */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#berth.leave();
    await this.#listener.close();
    if (this.#player.failure !== undefined) throw this.#player.failure.error;
  }
}

/**
 * Opens a server that misbehaves as it is told to, on a free port of 127.0.0.1.
 *
 * Cancel: rejects at once in a scope that is cancelled; otherwise it opens, which takes no time.
 *
 * @param script - what it does with each request: a fault, a list of them, a table of paths, or a function; see
 *   {@link faults}. By default it answers 200 to everything
 * @throws {TypeError} the script or an option is wrong
 *
 * @example
 * ```ts
 * import { retry } from "taskwright";
 * import { faults, openFaultServer } from "taskwright/testing";
 *
 * await using server = await openFaultServer({ "/flaky": [faults.reset(), faults.busy(), faults.ok("at last")] });
 * const text = await retry(
 *   async () => {
 *     const response = await fetch(`${server.url}/flaky`);
 *     if (!response.ok) throw new Error(`status ${response.status}`);
 *     return response.text();
 *   },
 *   { attempts: 3 },
 * );
 * console.log(text, server.statistics().requests); // => at last 3
 * ```
 */
export async function openFaultServer(
  script: FaultScript = faults.ok(),
  options: FaultServerOptions = {},
): Promise<FaultServer> {
  const scope = arrive();
  if (scope.stop !== undefined) return refuse(scope);
  const offer: Offer = { tls: expectCertificate(options.tls), http2: options.http2 ?? false };
  const faultOf = readConnectionScript(options.connections ?? "serve");
  const record = new FaultRecord();
  const player = new FaultPlayer(readScript(script), record);
  const listener = new FaultListener(
    record,
    (connection) => serveConnection(connection, faultOf(connection.record.number), offer, player),
    (error) => player.failed(error),
  );
  const port = await listener.listen();
  const url = `${offer.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  try {
    return new FaultServer(scope, url, record, player, listener);
  } catch (error) {
    // The scope has ended meanwhile: an await is missing.
    await listener.close();
    throw error;
  }
}
