/** One connection to a fault server, from its acceptance to its end. */
import type { Socket } from "node:net";
import { checkpoint } from "../../core/index.ts";
import type { FaultConnectionEnd, FaultRecord, SeenConnection } from "./fault-record.ts";
import type { FaultEnding } from "./fault-script.ts";

/** The client has gone, or the server is being closed: nobody is there to answer to. */
export class PeerGone extends Error {
  constructor() {
    super("the client has gone, or the fault server was closed");
  }
}

/** What the client sends is not HTTP, as far as we know it. */
export class NotHttp extends Error {}

/**
 * A connection. It ends once: by the client, by a fault, or with the server; from then on nothing can be sent.
 *
 *     open ── end() ──> ended
 *       └── the client closes, or dispose() ──> gone
 */
export class OpenConnection {
  readonly record: SeenConnection;
  /** Rejects when nobody is there to answer to any more. */
  readonly gone: Promise<never>;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;
  /** How the connection shall end when the next request comes. */
  endOnNext: FaultEnding | undefined = undefined;
  /** Whether one can speak; if not, whether a fault has ended it, or the client or the server has gone. */
  state: "open" | "ended" | "gone" = "open";
  readonly #raw: Socket;
  #stream: Socket;
  readonly #seen: FaultRecord;
  readonly #loseHope: (error: PeerGone) => void;

  constructor(raw: Socket, seen: FaultRecord) {
    this.#raw = raw;
    this.#stream = raw;
    this.#seen = seen;
    this.record = seen.connectionOpened();
    const gone = Promise.withResolvers<never>();
    this.gone = gone.promise;
    this.gone.catch(() => {}); // Often nobody is there to hear it.
    this.#loseHope = gone.reject;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    this.#watch(raw);
    raw.once("close", () => {
      this.#ended("client-closed");
      seen.connectionClosed(this.record);
      closed.resolve();
    });
  }

  /** Where to speak. */
  get stream(): Socket {
    return this.#stream;
  }

  /** The handshake is over: `stream` is where to speak from now on. */
  secured(stream: Socket): void {
    this.#stream = stream;
    // Not to end by itself: see the listener.
    stream.allowHalfOpen = true;
    this.record.isSecure = true;
    this.#watch(stream);
  }

  /** The client did not keep to the protocol, or does not trust us. */
  problem(what: string): void {
    this.record.problem ??= what;
  }

  /** The client has given up. */
  lost(): void {
    this.#ended("client-closed");
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): Promise<void> {
    if (this.state !== "open") return Promise.reject(new PeerGone());
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error == null ? resolve() : reject(new PeerGone())));
    });
  }

  /** Sends bytes that nobody waits for. */
  tell(bytes: Uint8Array): void {
    this.send(bytes).catch(() => {}); // Then nobody is there to be told.
  }

  /** Ends the connection, when what was sent has had time to arrive: an RST may overtake it. */
  async end(how: FaultEnding): Promise<void> {
    if (this.state !== "open") return;
    this.state = "ended";
    this.#seen.connectionEnded(this.record, how === "close" ? "server-closed" : "server-reset");
    try {
      for (let turn = 0; turn < 2; turn++) await checkpoint();
    } finally {
      this.#hangUp(how);
    }
  }

  #hangUp(how: FaultEnding): void {
    if (how === "reset") this.#raw.resetAndDestroy();
    // With a body that is not read, a FIN would leave us without ever hearing of the client's end.
    else if (this.#stream.isPaused()) this.#stream.destroy();
    else this.#stream.end();
  }

  /** The server is disposed of. */
  dispose(): void {
    this.#ended("disposed");
    this.#raw.destroy();
  }

  #watch(stream: Socket): void {
    stream.on("end", () => this.#ended("client-closed"));
    stream.on("error", (error) => {
      this.#ended((error as NodeJS.ErrnoException).code === "ECONNRESET" ? "client-reset" : "client-closed");
    });
  }

  #ended(end: FaultConnectionEnd): void {
    this.#seen.connectionEnded(this.record, end);
    this.#loseHope(new PeerGone());
    if (this.state !== "open") return;
    this.state = "gone";
    // A client that has closed its side has gone, whatever it could still receive.
    this.#stream.destroy();
  }
}
