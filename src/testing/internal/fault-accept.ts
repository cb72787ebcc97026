/** From a socket to what is spoken on it: faults of the connection, the TLS handshake, the version of HTTP. */
import { type TLSSocket, createServer as createTlsServer } from "node:tls";
import { type FaultCertificate, certificateFor } from "./fault-certificate.ts";
import type { ConnectionFault } from "./fault-connection-script.ts";
import { type OpenConnection, PeerGone } from "./fault-connection.ts";
import { serveHttp1 } from "./fault-http1.ts";
import { serveHttp2 } from "./fault-http2-session.ts";
import type { FaultPlayer } from "./fault-player.ts";
import { ByteReader } from "./fault-reader.ts";

/** What a server offers. */
export interface Offer {
  readonly tls: FaultCertificate | undefined;
  readonly http2: boolean;
}

/**
 * Does with a connection what is to be done, until it has ended.
 *
 * @throws {TypeError} `fault` is none
 */
export async function serveConnection(
  connection: OpenConnection,
  fault: ConnectionFault,
  offer: Offer,
  player: FaultPlayer,
): Promise<void> {
  switch (fault) {
    case "serve":
      return serve(connection, offer, player);
    case "reset":
    case "close":
      connection.stream.resume();
      return connection.end(fault);
    case "reset-on-first-bytes":
    case "close-on-first-bytes":
      if (await new ByteReader(connection.stream).any()) await connection.end(endingOf[fault]);
      return;
    case "hang":
      connection.stream.resume();
      return;
    case "garbage":
      connection.stream.resume();
      await connection.send(Buffer.from("220 mail.example.com ESMTP\r\n"));
      return connection.end("close");
    default:
      throw new TypeError(
        `Expected \`connections\` to name a fault, such as "reset", got "${String(fault satisfies never)}"`,
      );
  }
}

const endingOf = { "reset-on-first-bytes": "reset", "close-on-first-bytes": "close" } as const;

async function serve(connection: OpenConnection, offer: Offer, player: FaultPlayer): Promise<void> {
  let isHttp2 = offer.http2;
  if (offer.tls !== undefined) {
    const secure = await shakeHands(connection, offer.tls, offer.http2);
    isHttp2 = secure.alpnProtocol === "h2";
  }
  await (isHttp2 ? serveHttp2 : serveHttp1)(connection, player);
}

/** @throws {PeerGone} the client gave up */
async function shakeHands(connection: OpenConnection, kind: FaultCertificate, http2: boolean): Promise<TLSSocket> {
  const ALPNProtocols = http2 ? ["h2", "http/1.1"] : ["http/1.1"];
  // One for each connection, so that it is known whose handshake has failed. It never listens.
  const acceptor = createTlsServer({ ...certificateFor(kind), ALPNProtocols });
  const shaken = new Promise<TLSSocket>((resolve, reject) => {
    acceptor.once("secureConnection", (secure) => {
      connection.secured(secure);
      resolve(secure);
    });
    acceptor.once("tlsClientError", (error: NodeJS.ErrnoException) => {
      connection.problem(error.code ?? error.message);
      connection.lost();
      reject(new PeerGone());
    });
  });
  // A client that ends during the handshake would not be heard of.
  connection.stream.allowHalfOpen = false;
  acceptor.emit("connection", connection.stream);
  return Promise.race([shaken, connection.gone]);
}
