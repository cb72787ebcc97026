import type { WireField, WireOut } from "../postgres.ts";
import { type Columns, type RowForm, columnsOf, readFirst, readRow } from "./columns.ts";
import { Exchange } from "./exchange.ts";
import { dependsOnType, writeValue } from "./postgres-types.ts";
import { emptyWriter, writeBind, writeExecute, writeSync } from "./query-messages.ts";
import type { Statement, StatementCache } from "./statement-cache.ts";
import type { WireReader } from "./wire-reader.ts";

/** What is to be made of the rows. */
export type RowsWanted = "all" | "first" | "first value" | "none";

/** Rows that the server keeps at hand, within a transaction. */
export interface Portal {
  readonly name: string;
  /** How many are asked for at once. */
  readonly rows: number;
}

const nameless: Portal = { name: "", rows: 0 };
const asText: readonly number[] = [];

/** A prepared statement that is run: prepared, given values, executed, all in one message where that can be. */
export class QueryExchange extends Exchange {
  readonly rows: unknown[] = [];
  readonly statement: Statement;
  readonly #values: readonly unknown[];
  readonly #wanted: RowsWanted;
  readonly #cache: StatementCache;
  /** Where rows come in batches: what the server calls the rest, and how many a batch has. */
  readonly #portal: Portal;
  /** Whether there are more rows in the portal. */
  hasMore = false;
  /** How rows come, once that is known. */
  form: RowForm | undefined = undefined;
  /** Values wait until the types of the parameters are known. */
  #isDescribing = false;

  constructor(
    statement: Statement,
    values: readonly unknown[],
    wanted: RowsWanted,
    cache: StatementCache,
    portal: Portal = nameless,
  ) {
    super();
    this.statement = statement;
    this.#values = values;
    this.#wanted = wanted;
    this.#cache = cache;
    this.#portal = portal;
  }

  get text(): string {
    return this.statement.text;
  }

  protected begin(out: WireOut): void {
    this.isSynced = false;
    out.stream.cork();
    try {
      for (const name of this.#cache.takeEvicted()) out.close({ type: "S", name });
      this.#prepareAndRun(out);
    } finally {
      out.stream.uncork();
    }
  }

  #prepareAndRun(out: WireOut): void {
    const { statement } = this;
    if (statement.isParsed && statement.columns !== undefined) return this.#run(out);
    if (!statement.isParsed) out.parse(statement);
    out.describe({ type: "S", name: statement.name });
    // An array may be one of Postgres or of JSON, and text may be text in JSON: only the type of the parameter tells. And of
    // many rows it is worth to know their columns before they come, so that they can come as bytes.
    if (this.#portal !== nameless || this.#values.some(dependsOnType)) {
      this.#isDescribing = true;
      out.flush();
    } else this.#run(out);
  }

  #run(out: WireOut): void {
    const { name, parameterTypes, columns } = this.statement;
    const values = this.#values.map((value, index) => writeValue(value, parameterTypes?.[index]));
    // Only of columns that are known can be said how they are to come.
    if (columns !== undefined && columns !== null) this.form = columns.asBytes;
    const writer = emptyWriter();
    writeBind(writer, this.#portal.name, name, values, columns?.formats ?? asText);
    writeExecute(writer, this.#portal.name, this.#portal.rows);
    writeSync(writer);
    this.isSynced = true;
    out.stream.write(writer.take());
  }

  override handlePortalSuspended(): void {
    this.hasMore = true;
  }

  override handleCopyInResponse(): void {
    super.handleCopyInResponse();
    // The one before was passed over: the server took it for a part of the COPY.
    this.out!.sync();
  }

  override handleParseComplete(): void {
    this.statement.isParsed = this.statement.name !== "";
  }

  override handleParameterDescription({ dataTypeIDs }: { readonly dataTypeIDs: readonly number[] }): void {
    this.statement.parameterTypes = dataTypeIDs;
  }

  override handleRowDescription({ fields }: { readonly fields: readonly WireField[] }): void {
    this.#described(columnsOf(fields));
  }

  override handleNoData(): void {
    this.#described(null);
  }

  #described(columns: Columns | null): void {
    this.statement.columns = columns;
    if (!this.#isDescribing) {
      this.form = columns?.asText;
      return;
    }
    this.#isDescribing = false;
    const out = this.out!;
    out.stream.cork();
    this.attempt(() => this.#run(out));
    if (this.hasFailed) this.sync();
    out.stream.uncork();
  }

  override handleDataRow(wire: WireReader): void {
    if (this.hasFailed || this.#wanted === "none") return;
    if (this.#wanted !== "all" && this.rows.length > 0) return;
    try {
      const form = this.form!;
      this.rows.push(this.#wanted === "first value" ? readFirst(form, wire) : readRow(form, wire));
    } catch (error) {
      this.fail(error);
    }
  }
}

/** Makes a statement known to the server, and learns of its parameters and columns. */
export class DescribeExchange extends Exchange {
  readonly statement: Statement;

  constructor(statement: Statement) {
    super();
    this.statement = statement;
  }

  get text(): string {
    return this.statement.text;
  }

  protected begin(out: WireOut): void {
    this.isSynced = false;
    out.parse(this.statement);
    out.describe({ type: "S", name: this.statement.name });
    this.sync();
  }

  override handleParseComplete(): void {
    this.statement.isParsed = this.statement.name !== "";
  }

  override handleParameterDescription({ dataTypeIDs }: { readonly dataTypeIDs: readonly number[] }): void {
    this.statement.parameterTypes = dataTypeIDs;
  }

  override handleRowDescription({ fields }: { readonly fields: readonly WireField[] }): void {
    this.statement.columns = columnsOf(fields);
  }

  override handleNoData(): void {
    this.statement.columns = null;
  }
}

/** A statement that is run once for each of many rows of values, in one go. The server does all of them or none. */
export class ManyExchange extends Exchange {
  readonly #statement: Statement;
  readonly #rows: readonly (readonly unknown[])[];

  /** @param statement - whose parameters are known */
  constructor(statement: Statement, rows: readonly (readonly unknown[])[]) {
    super();
    this.#statement = statement;
    this.#rows = rows;
  }

  get text(): string {
    return this.#statement.text;
  }

  override handleParseComplete(): void {
    this.#statement.isParsed = this.#statement.name !== "";
  }

  override handleCopyInResponse(): void {
    super.handleCopyInResponse();
    // The one before was passed over: the server took it for a part of the COPY.
    this.out!.sync();
  }

  protected begin(out: WireOut): void {
    this.isSynced = false;
    const { name, parameterTypes = [], isParsed } = this.#statement;
    const writer = emptyWriter();
    for (const row of this.#rows) {
      const values = row.map((value, index) => writeValue(value, parameterTypes[index]));
      writeBind(writer, "", name, values, asText);
      writeExecute(writer, "", 0);
    }
    writeSync(writer);
    out.stream.cork();
    if (!isParsed) out.parse(this.#statement);
    out.stream.write(writer.take());
    out.stream.uncork();
    this.isSynced = true;
  }
}

/** The next rows of a portal, or its end. */
export class PortalExchange extends Exchange {
  readonly text: string;
  readonly rows: unknown[] = [];
  hasMore = false;
  readonly #form: RowForm;
  readonly #portal: Portal;

  /** @param form - of its first rows */
  constructor(text: string, form: RowForm, portal: Portal) {
    super();
    this.text = text;
    this.#form = form;
    this.#portal = portal;
  }

  protected begin(out: WireOut): void {
    const writer = emptyWriter();
    writeExecute(writer, this.#portal.name, this.#portal.rows);
    writeSync(writer);
    out.stream.write(writer.take());
  }

  override handlePortalSuspended(): void {
    this.hasMore = true;
  }

  override handleDataRow(wire: WireReader): void {
    this.attempt(() => this.rows.push(readRow(this.#form, wire)));
  }
}

/** Lets the server forget a portal. */
export class ClosePortalExchange extends Exchange {
  readonly text = "close";
  readonly #name: string;

  constructor(name: string) {
    super();
    this.#name = name;
  }

  protected begin(out: WireOut): void {
    this.isSynced = false;
    out.close({ type: "P", name: this.#name });
    this.sync();
  }
}
