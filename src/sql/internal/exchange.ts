import { type WireExchange, type WireField, type WireOut, isServerMessage } from "../postgres.ts";
import type { MassListener, WireReader } from "./wire-reader.ts";

/**
 * One thing that is asked of the server, until it is ready for the next.
 *
 * Whatever comes, it never throws at whoever calls it, which is the socket: the first failure is kept, and what comes after
 * it is passed over.
 */
export abstract class Exchange implements WireExchange, MassListener {
  /** What has gone wrong. */
  failure: unknown = undefined;
  hasFailed = false;
  /** What was changed or given, as the server counts. */
  count = 0;
  /** Whether the server ends it by itself. If not, a Sync must still be sent. */
  protected isSynced = true;
  protected out: WireOut | undefined = undefined;

  /** For errors. */
  abstract readonly text: string | undefined;

  submit(out: WireOut): void {
    this.out = out;
    this.attempt(() => this.begin(out));
    // Nothing was sent that would be answered.
    if (this.hasFailed) this.sync();
  }

  protected abstract begin(out: WireOut): void;

  /**
   * Ends it without asking the server to stop, where that is possible.
   *
   * @returns whether it is
   */
  interrupt(): boolean {
    return false;
  }

  /** Nothing more will come. */
  ended(): void {}

  fail(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.failure = error;
  }

  /** Ends what the server keeps open for it. */
  protected sync(): void {
    if (this.isSynced) return;
    this.isSynced = true;
    this.out!.sync();
  }

  protected attempt(work: () => void): void {
    if (this.hasFailed) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  handleError(error: Error): void {
    // Those of the socket come by another way.
    if (!isServerMessage(error)) return;
    this.fail(error);
    this.sync();
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.count += countOf(text);
  }

  handleParseComplete(): void {}
  handleParameterDescription(_message: { readonly dataTypeIDs: readonly number[] }): void {}
  handleNoData(): void {}
  handleRowDescription(_message: { readonly fields: readonly WireField[] }): void {}
  handleDataRow(_wire: WireReader): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyData(_wire: WireReader, _length: number): void {}
  handleReadyForQuery(): void {}

  /** Nobody has anything to send: a query that turned out to be a COPY. */
  handleCopyInResponse(): void {
    this.out!.sendCopyFail("copyInto is for that");
  }
}

/** `INSERT 0 5`, `SELECT 3`: the last number. */
function countOf(tag: string): number {
  const count = Number(tag.slice(tag.lastIndexOf(" ") + 1));
  return Number.isNaN(count) ? 0 : count;
}

/** Text without values, in the simple protocol: may be several statements, which run in one transaction. */
export class SimpleExchange extends Exchange {
  readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  protected begin(out: WireOut): void {
    out.query(this.text);
  }
}
