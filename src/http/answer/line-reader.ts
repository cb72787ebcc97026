import { BlockReader, type LineSplitter } from "../../flow/index.ts";
import type { IncomingBody } from "./incoming-body.ts";

/** The lines of a body. */
export class LineReader extends BlockReader<string> {
  readonly #body: IncomingBody;
  readonly #splitter: LineSplitter;
  #isAtEnd = false;

  constructor(body: IncomingBody, splitter: LineSplitter) {
    super();
    this.#body = body;
    this.#splitter = splitter;
  }

  protected override async nextBlock(): Promise<readonly string[] | undefined> {
    if (this.#isAtEnd) return undefined;
    this.#splitter.check();
    const chunk = await this.#body.next();
    if (chunk !== undefined) return this.#splitter.push(chunk);
    this.#isAtEnd = true;
    return this.#splitter.finish();
  }

  protected override stop(): void {
    this.#body.drop();
  }
}
