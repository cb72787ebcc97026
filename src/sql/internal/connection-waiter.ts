import { type LinkedList, QueuedWaiter, type ScopeNode } from "../../core/index.ts";
import type { PostgresConnection } from "./postgres-connection.ts";

/** Somebody in line for a connection. */
export class ConnectionWaiter extends QueuedWaiter<PostgresConnection> {
  readonly #database: string;
  readonly #line: LinkedList<ConnectionWaiter>;

  constructor(scope: ScopeNode, database: string, line: LinkedList<ConnectionWaiter>) {
    super(scope);
    this.#database = database;
    this.#line = line;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    let place = 1;
    for (let before = this.before; before !== null; before = before.before) place++;
    return `a connection of ${this.#database}, ${place} of ${this.#line.size} in line`;
  }
}
