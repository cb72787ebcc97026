import type { Transform } from "node:stream";
import { interruptible } from "../../core/index.ts";

/**
 * Sends chunks through a transform of Node. It is asked for more only when the reader has taken what it gave: so what
 * was packed a thousandfold never stands in memory whole.
 *
 * Cancel: destroys the transform.
 *
 * @throws what the transform fails with
 */
export async function* through(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  transform: Transform,
): AsyncGenerator<Buffer, void, void> {
  const watch = new Watch(transform);
  try {
    for await (const chunk of chunks) {
      let isWritten = false;
      transform.write(chunk, () => {
        isWritten = true;
        watch.change();
      });
      yield* watch.whatComes(() => isWritten);
    }
    transform.end();
    yield* watch.whatComes(() => transform.readableEnded);
  } finally {
    transform.destroy();
    watch.change();
  }
}

/** Hears when a transform has got further. */
class Watch {
  readonly #transform: Transform;
  #changed = Promise.withResolvers<void>();
  #failure: { readonly error: Error } | undefined;

  constructor(transform: Transform) {
    this.#transform = transform;
    transform.on("readable", () => this.change());
    transform.on("end", () => this.change());
    transform.on("error", (error) => {
      this.#failure ??= { error };
      this.change();
    });
  }

  change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** What the transform gives until `isEnough`. */
  async *whatComes(isEnough: () => boolean): AsyncGenerator<Buffer, void, void> {
    for (;;) {
      const { promise } = this.#changed;
      for (let out = this.#read(); out !== null; out = this.#read()) yield out;
      if (this.#failure !== undefined) throw this.#failure.error;
      if (isEnough()) return;
      await interruptible(promise);
    }
  }

  #read(): Buffer | null {
    return this.#transform.read() as Buffer | null;
  }
}
