import { type LookupFunction, Socket } from "node:net";
import type { Connector } from "../undici.ts";

/** Where every socket reads into: what came is copied out before the next one reads. */
const landing: Buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** After so long without a byte the system asks whether the other side is still there. */
const keepAliveProbeMs = 60_000;

/**
 * Opens connections without TLS for undici, in place of its own connector: small requests take a tenth less CPU.
 *
 * @param lookup - finds the addresses of names
 */
export function makeLeanConnector(lookup: LookupFunction): Connector {
  return ({ hostname, port }, connected) => {
    const socket: LeanSocket = new LeanSocket({
      onread: { buffer: landing, callback: (bytes) => socket.landed(bytes) },
    });
    let isTold = false;
    const tell = (error: Error | null): void => {
      if (isTold) return;
      isTold = true;
      connected(error, error === null ? socket : null);
    };
    socket.setNoDelay(true).setKeepAlive(true, keepAliveProbeMs);
    socket.once("connect", () => tell(null)).on("error", tell);
    return socket.connect({ host: hostname, port: port === "" ? 80 : Number(port), lookup });
  };
}

/**
 * A socket that hands on what comes at once, to whoever reads it with `read()` upon `"readable"`, as undici does.
 *
 * A socket of Node allocates 64 KiB for each read and gives most of it back, puts what came in line, and tells of it in a
 * later tick. What this one cannot do: flow to `"data"`, or be piped. Connections that are to become something else than
 * HTTP need that.
 */
class LeanSocket extends Socket {
  /** Came, and was not read. */
  #unread: Buffer | null = null;
  /** Whether Node has to be told when all is read: it has stopped for that, or is at the end. */
  #isHeld = false;

  /** Bytes have landed. Returns whether more may come. */
  landed(bytes: number): boolean {
    const came = Buffer.allocUnsafe(bytes);
    landing.copy(came, 0, 0, bytes);
    this.#unread = this.#unread === null ? came : Buffer.concat([this.#unread, came]);
    this.emit("readable");
    if (this.#unread !== null) this.#isHeld = true;
    return this.#unread === null;
  }

  override read(size?: number): Buffer | null {
    const unread = this.#unread;
    // With 0 Node begins, goes on or ends, whichever is due: not before all is read.
    if (size === 0) return unread === null ? super.read(0) : null;
    this.#unread = null;
    if (this.#isHeld) {
      this.#isHeld = false;
      super.read(0);
    }
    return unread;
  }

  /** Puts back what was too much. */
  override unshift(chunk: Buffer): void {
    this.#unread = this.#unread === null ? chunk : Buffer.concat([chunk, this.#unread]);
  }

  /** Node pushes nothing but the end. */
  override push(chunk: unknown): boolean {
    this.#isHeld = true;
    return super.push(chunk);
  }
}
