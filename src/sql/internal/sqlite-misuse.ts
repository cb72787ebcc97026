/** A query that SQLite would take for something else than was meant. */
export class SqliteMisuse extends Error {
  readonly errcode: number = 21;
}

/** The transaction is over, although nobody has ended it. */
export class TransactionLost extends Error {
  /** As of what SQLite itself says. */
  readonly errcode: number = 4 + 2 * 256;

  constructor() {
    super("SQLite has rolled the transaction back because of what failed before in it");
  }
}
