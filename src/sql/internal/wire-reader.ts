/** Who hears of what comes in masses. It must be read before the call returns: it lies in memory that is used again. */
export interface MassListener {
  /** @param wire - stands before the number of columns */
  handleDataRow(wire: WireReader): void;
  /** @param wire - stands before the data */
  handleCopyData(wire: WireReader, length: number): void;
}

const dataRow = "D".charCodeAt(0);
const copyData = "d".charCodeAt(0);
const headerBytes = 5;
const nothing = Buffer.alloc(0);
const emptyView = viewOf(nothing);

/**
 * Cuts what comes from a server into messages. Rows and copied data are told to the listener where they lie, so that nothing is
 * made but the values; all else goes on to the parser of pg, as whole messages and in its order.
 */
export class WireReader {
  listener: MassListener | undefined = undefined;
  /** What was received, and where the listener reads. */
  bytes: Buffer = nothing;
  view: DataView = emptyView;
  at = 0;
  readonly #others: (messages: Buffer) => void;
  /** The beginning of a message of which the rest is to come. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** How many bytes are worth being looked at again. */
  #wantedBytes = 0;

  /** @param others - hears of all other messages */
  constructor(others: (messages: Buffer) => void) {
    this.#others = others;
  }

  read(chunk: Buffer): void {
    const bytes = this.#join(chunk);
    if (bytes === undefined) return;
    const view = viewOf(bytes);
    this.bytes = bytes;
    this.view = view;
    let at = 0;
    // From here on nothing was handed on.
    let from = 0;
    let wanted = headerBytes;
    while (at + headerBytes <= bytes.length) {
      const code = bytes[at];
      const length = view.getUint32(at + 1);
      const end = at + 1 + length;
      if (end > bytes.length) {
        wanted = 1 + length;
        break;
      }
      if (code === dataRow || code === copyData) {
        if (from < at) this.#others(bytes.subarray(from, at));
        from = end;
        this.at = at + headerBytes;
        if (code === dataRow) this.listener?.handleDataRow(this);
        else this.listener?.handleCopyData(this, length - 4);
      }
      at = end;
    }
    if (from < at) this.#others(bytes.subarray(from, at));
    this.#keep(bytes.subarray(at), wanted);
  }

  /** Text at the place where it stands. */
  text(length: number): string {
    return this.bytes.toString("utf8", this.at, this.at + length);
  }

  #join(chunk: Buffer): Buffer | undefined {
    if (this.#keptBytes === 0) return chunk;
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#keptBytes < this.#wantedBytes) return undefined;
    const bytes = Buffer.concat(this.#kept, this.#keptBytes);
    this.#kept = [];
    this.#keptBytes = 0;
    return bytes;
  }

  #keep(rest: Buffer, wantedBytes: number): void {
    if (rest.length > 0) this.#kept.push(rest);
    this.#keptBytes = rest.length;
    this.#wantedBytes = wantedBytes;
    // Not kept alive by a connection that has nothing to do.
    this.bytes = nothing;
    this.view = emptyView;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
