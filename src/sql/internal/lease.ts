import type { PostgresConnection } from "./postgres-connection.ts";

/** A connection lent. */
export interface Lease {
  readonly connection: PostgresConnection;
  giveBack(): void;
}
