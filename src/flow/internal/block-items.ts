import { BlockReader } from "./block-reader.ts";

/** The items of the blocks of a generator. */
export class BlockItems<T> extends BlockReader<T> {
  readonly #blocks: AsyncGenerator<readonly T[], void, void>;

  constructor(blocks: AsyncGenerator<readonly T[], void, void>) {
    super();
    this.#blocks = blocks;
  }

  protected override async nextBlock(): Promise<readonly T[] | undefined> {
    const { done, value } = await this.#blocks.next();
    return done === true ? undefined : value;
  }

  protected override async stop(): Promise<void> {
    await this.#blocks.return();
  }
}
