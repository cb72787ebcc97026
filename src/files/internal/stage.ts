import type { Transform } from "node:stream";
import { interruptible } from "../../core/index.ts";

/** A transform of zlib, which counts the bytes that it has used. */
export type Codec = Transform & { readonly bytesWritten: number };

/**
 * A codec at work. It is asked for more only when the reader has taken what it gave: so what was packed a thousandfold
 * never stands in memory whole.
 *
 * Cancel: of what it gives, ends the wait; {@link destroy} ends the codec.
 */
export class Stage {
  readonly #codec: Codec;
  readonly #errorOf: (error: Error) => Error;
  #changed = Promise.withResolvers<void>();
  #failure: { readonly error: Error } | undefined;
  #givenBytes = 0;

  /** @param errorOf - what its reader is told of an error */
  constructor(codec: Codec, errorOf: (error: Error) => Error) {
    this.#codec = codec;
    this.#errorOf = errorOf;
    codec.on("readable", () => this.#change());
    codec.on("end", () => this.#change());
    codec.on("error", (error) => {
      this.#failure ??= { error: this.#errorOf(error) };
      this.#change();
    });
  }

  /** Gives it a chunk, and yields what it makes of it. */
  async *write(chunk: Uint8Array): AsyncGenerator<Buffer, void, void> {
    let isWritten = false;
    this.#givenBytes += chunk.length;
    this.#codec.write(chunk, () => {
      isWritten = true;
      this.#change();
    });
    yield* this.#whatComes(() => isWritten);
  }

  /** Yields what is left in it. */
  async *end(): AsyncGenerator<Buffer, void, void> {
    this.#codec.end();
    yield* this.#whatComes(() => this.#codec.readableEnded);
  }

  /** Bytes of what was written that it will not use: what it unpacks has ended before them. */
  get unusedBytes(): number {
    return this.#givenBytes - this.#codec.bytesWritten;
  }

  destroy(): void {
    this.#codec.destroy();
    // It says nothing itself, and whoever was cancelled would leave a promise behind that goes on for ever.
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async *#whatComes(isEnough: () => boolean): AsyncGenerator<Buffer, void, void> {
    for (;;) {
      const { promise } = this.#changed;
      for (let out = this.#read(); out !== null; out = this.#read()) yield out;
      if (this.#failure !== undefined) throw this.#failure.error;
      if (isEnough()) return;
      await interruptible(promise);
    }
  }

  #read(): Buffer | null {
    return this.#codec.read() as Buffer | null;
  }
}
