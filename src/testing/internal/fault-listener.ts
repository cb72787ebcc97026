import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import type { Scope } from "../../core/index.ts";
import { OpenConnection, PeerGone } from "./fault-connection.ts";
import type { FaultRecord } from "./fault-record.ts";
import { ServerTree } from "./fault-tree.ts";

/** A listening socket, and its connections, each served by a task. */
export class FaultListener {
  readonly #record: FaultRecord;
  readonly #serve: (connection: OpenConnection) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #server: Server;
  readonly #tree = new ServerTree("fault server");
  readonly #open = new Set<OpenConnection>();

  /** @param onError - hears what `serve` throws, other than that the client has gone */
  constructor(
    record: FaultRecord,
    serve: (connection: OpenConnection) => Promise<void>,
    onError: (error: unknown) => void,
  ) {
    this.#record = record;
    this.#serve = serve;
    this.#onError = onError;
    // Ended by itself when the client ends, a socket could be reset no more, and would never close.
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** @returns the port */
  async listen(): Promise<number> {
    // From within the tree: sockets keep the context they come from.
    this.#tree.spawn(() => void this.#server.listen(0, "127.0.0.1"), "listen");
    try {
      await once(this.#server, "listening");
    } catch (error) {
      await this.#tree.close();
      throw error;
    }
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes all connections, and waits until they are closed and their tasks have ended. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const connection of this.#open) connection.dispose();
    await Promise.all([closed, this.#tree.close()]);
  }

  #accept(socket: Socket): void {
    const connection = new OpenConnection(socket, this.#record);
    this.#open.add(connection);
    this.#tree.spawn((scope) => this.#attend(connection, scope), `connection ${connection.record.number}`);
  }

  async #attend(connection: OpenConnection, scope: Scope): Promise<void> {
    connection.gone.catch(() => scope.cancel({ kind: "disconnected", peer: "the client" }));
    try {
      await this.#serve(connection);
    } catch (error) {
      // What is thrown after the end is its trace.
      if (!(error instanceof PeerGone) && scope.cancelled === undefined) {
        this.#onError(error);
        await connection.end("reset");
      }
    }
    await connection.closed;
    this.#open.delete(connection);
  }
}
